import { Readable } from 'node:stream';
import type { Orders } from '../magic.ts';

/** Not a real picture: a text of the size of a recording or an image. */
const filler = Buffer.from(Buffer.alloc(49_152, 'sandbox media').toString('base64'));
const mostMegabytes = 40;

/** A recording. `media=8` orders one of 8 MB; until it is sent, a short marker replaces it. */
export function recordingOf(orders: Orders): string {
  const megabytes = Math.min(Number(orders.get('media') ?? 0), mostMegabytes);
  return megabytes > 0 ? `@media:${megabytes}@` : filler.toString('utf8', 0, 40_000);
}

/** The response as it is sent. Large recordings are streamed and never held in memory as a whole. */
export function withRecordings(json: string): string | Readable {
  const parts = json.split(/@media:([\d.]+)@/u);
  return parts.length === 1 ? json : Readable.from(piecesOf(parts), { objectMode: false });
}

/** `parts` alternates between text and sizes in megabytes. */
function* piecesOf(parts: readonly string[]): Generator<Buffer> {
  for (const [at, part] of parts.entries()) {
    if (at % 2 === 0) {
      yield Buffer.from(part, 'utf8');
      continue;
    }
    const pieces = Math.ceil((Number(part) * 1024 * 1024) / filler.length);
    for (let piece = 0; piece < pieces; piece++) yield filler;
  }
}
