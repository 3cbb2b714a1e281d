/** A result code of a provider, with a title in English and Chinese. */
export interface Code {
  readonly code: string;
  readonly title: string;
}

export function list(codes: readonly number[], title: string): Code[] {
  return codes.map((code) => ({ code: String(code), title }));
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
