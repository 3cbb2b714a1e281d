import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';

// Imported into a service process before its own code. Appends a line to a file whenever the head of an upstream
// request is written to its socket: the time, by the one clock of the machine. What the provider sees later also
// contains the delays of the wire and of the provider's own process.

const file = new URL(import.meta.url).searchParams.get('file');

subscribe('undici:client:sendHeaders', () => {
  if (file) appendFileSync(file, `${performance.timeOrigin + performance.now()}\n`);
});
