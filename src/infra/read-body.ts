import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import chain from 'stream-chain';
import { parser, type Token } from 'stream-json/parser.js';
import { stringer } from 'stream-json/stringer.js';
import { ProviderFault } from '../contract/index.ts';

/** A number of bytes that many readers share. */
export interface ByteBudget {
  /** False if fewer bytes are left. */
  readonly take: (bytes: number) => boolean;
  readonly give: (bytes: number) => void;
}

export function createByteBudget(most: number): ByteBudget {
  let left = most;
  return {
    take: (bytes) => {
      if (bytes > left) return false;
      left -= bytes;
      return true;
    },
    give: (bytes) => {
      left += bytes;
    },
  };
}

/**
 * Bytes of each response that do not count against the shared budget. So a small response that was paid for
 * never fails because other calls read media.
 */
const ownBytes = 64 * 1024;

/**
 * Reads a body to its end. Long strings of a JSON body are dropped while it is read, so that a video is
 * never in memory as a whole: fifty results of 8 MB at once take 80 MB instead of 360 MB, in about the same
 * time (bench/large-results.ts, 2026-11-22).
 *
 * Throws `ProviderFault('protocol')` for too many bytes and for invalid JSON.
 */
export async function readBody(
  body: Readable,
  terms: {
    readonly maxBytes: number;
    readonly dropStringsOver?: number | undefined;
    readonly budget: ByteBudget;
  },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let kept = 0;
  const keep = (bytes: Buffer): void => {
    const shared = sharedPart(kept + bytes.length) - sharedPart(kept);
    if (!terms.budget.take(shared)) throw new ProviderFault('protocol');
    kept += bytes.length;
    chunks.push(bytes);
  };
  try {
    if (terms.dropStringsOver === undefined) await readWhole(body, terms.maxBytes, keep);
    else await readShortened(body, { ...terms, dropStringsOver: terms.dropStringsOver }, keep);
    return Buffer.concat(chunks, kept);
  } finally {
    terms.budget.give(sharedPart(kept));
  }
}

/** If `keep` throws, the iteration destroys the stream and its connection. */
async function readWhole(
  body: Readable,
  maxBytes: number,
  keep: (bytes: Buffer) => void,
): Promise<void> {
  let length = 0;
  for await (const bytes of body as AsyncIterable<Buffer>) {
    length += bytes.length;
    if (length > maxBytes) throw new ProviderFault('protocol');
    keep(bytes);
  }
}

async function readShortened(
  body: Readable,
  { maxBytes, dropStringsOver }: { readonly maxBytes: number; readonly dropStringsOver: number },
  keep: (bytes: Buffer) => void,
): Promise<void> {
  let broken: unknown = null;
  const counted = countBytes(body, maxBytes, (error) => {
    broken = error;
  });
  try {
    await pipeline(counted, withoutLongTexts(dropStringsOver), async (texts) => {
      for await (const text of texts) keep(Buffer.from(String(text)));
    });
  } catch (error) {
    // A body that broke off is another fault than a complete body that is not JSON.
    if (broken !== null) throw broken;
    throw error instanceof ProviderFault ? error : new ProviderFault('protocol');
  }
}

function sharedPart(bytes: number): number {
  return Math.max(0, bytes - ownBytes);
}

async function* countBytes(
  body: Readable,
  maxBytes: number,
  onBroken: (error: unknown) => void,
): AsyncGenerator<Buffer> {
  let length = 0;
  const chunks = body[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        onBroken(error);
        throw error;
      });
      if (next.done === true) return;
      length += next.value.length;
      if (length > maxBytes) throw new ProviderFault('protocol');
      yield next.value;
    }
  } finally {
    // If the stream has not ended, this destroys it and its connection.
    await chunks.return?.();
  }
}

/** From JSON to JSON. Numbers keep every digit. */
function withoutLongTexts(most: number): NodeJS.ReadWriteStream {
  return chain([
    parser({ packStrings: false, streamKeys: false, streamNumbers: false }),
    emptyLongTexts(most),
    stringer({ useKeyValues: true, useNumberValues: true }),
  ]);
}

/** Holds a string back until its end, or until it is too long. */
function emptyLongTexts(most: number): (token: Token) => Generator<Token> {
  let held: Token[] | null = null;
  let length = 0;
  return function* (token) {
    if (held && token.name === 'stringChunk') {
      length += token.value.length;
      if (length > most) held = [];
      else held.push(token);
      return;
    }
    if (held && token.name === 'endString') yield* held;
    held = token.name === 'startString' ? [] : null;
    length = 0;
    yield token;
  };
}
