/** Looks a code up in a table, and finds nothing that every object has, such as `constructor`. */
export function lookUp<Meaning>(
  table: Readonly<Record<string, Meaning>>,
  code: string | null,
): Meaning | undefined {
  return code !== null && Object.hasOwn(table, code) ? table[code] : undefined;
}
