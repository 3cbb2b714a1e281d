/** Enough for everything but an image. */
const ordinaryBytes = 256 * 1024;

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
  readonly statusCode = 413;

  constructor() {
    super('only an image may be so large');
  }
}

/** Whether a request is larger than what it asks for: only a `referenceImage` may be large. */
export function isOversized(body: unknown, bytes: number): boolean {
  return bytes > ordinaryBytes && bytes - imageBytesOf(body) > ordinaryBytes;
}

/** The image of a start, in a variable, in an input or in the document itself. */
function imageBytesOf(body: unknown): number {
  if (typeof body !== 'object' || body === null) return 0;
  const { query, variables } = body as { readonly query?: unknown; readonly variables?: unknown };
  if (typeof query !== 'string' || !query.includes('startVerification')) return 0;
  const [, name, literal] = /referenceImage\s*:\s*(?:\$(\w+)|"([^"]*)")/u.exec(query) ?? [];
  if (literal !== undefined) return literal.length;
  if (typeof variables !== 'object' || variables === null) return 0;
  const given = Object.entries(variables as Record<string, unknown>).map(([key, value]) =>
    key === name ? value : imageIn(value),
  );
  return Math.max(0, ...given.map((value) => (typeof value === 'string' ? value.length : 0)));
}

function imageIn(input: unknown): unknown {
  if (typeof input !== 'object' || input === null) return null;
  return (input as { readonly referenceImage?: unknown }).referenceImage;
}
