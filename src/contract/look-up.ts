/** Looks up a code in a table. Ignores inherited properties such as `constructor`. */
export function lookUp<Meaning>(
  table: Readonly<Record<string, Meaning>>,
  code: string | null,
): Meaning | undefined {
  return code !== null && Object.hasOwn(table, code) ? table[code] : undefined;
}
