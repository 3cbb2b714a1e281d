import { Readable } from 'node:stream';
import type { Orders } from '../magic.ts';

/** Nobody's picture: what a recording or an image would look like on the wire. */
const filler = Buffer.from(Buffer.alloc(49_152, 'sandbox media').toString('base64'));
const mostMegabytes = 40;

/** A recording; `media=8` orders one of 8 MB, which stands for itself until it is sent. */
export function recordingOf(orders: Orders): string {
  const megabytes = Math.min(Number(orders.get('media') ?? 0), mostMegabytes);
  return megabytes > 0 ? `@media:${megabytes}@` : filler.toString('utf8', 0, 40_000);
}

/** An answer as it is sent: large recordings pass by piece by piece and are never held whole. */
export function withRecordings(json: string): string | Readable {
  const parts = json.split(/@media:([\d.]+)@/u);
  return parts.length === 1 ? json : Readable.from(piecesOf(parts), { objectMode: false });
}

/** Text and sizes in megabytes, by turns. */
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
