export function keysOf<T extends object>(table: T): (keyof T & string)[] {
  return Object.keys(table) as (keyof T & string)[];
}

/** Gives several codes the same meaning. */
export function each<Meaning>(
  codes: readonly number[],
  meaning: Meaning,
): Readonly<Record<string, Meaning>> {
  return Object.fromEntries(codes.map((code) => [code, meaning]));
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** Adds the provider's own text to the meaning of each code; null if the sources have none. */
export function withTexts<Meaning>(
  texts: Readonly<Record<string, string>>,
  meanings: Readonly<Record<string, Meaning>>,
): Readonly<Record<string, Meaning & { readonly message: string | null }>> {
  return Object.fromEntries(
    Object.entries(meanings).map(([code, meaning]) => [
      code,
      { ...meaning, message: texts[code] ?? null },
    ]),
  );
}
