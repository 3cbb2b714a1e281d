/** Reads YAML, and JSON, which is YAML too. Loaded only if a setting names a file of it, because it would delay each start. */
export async function loadYamlParser(
  env: Readonly<Record<string, string | undefined>>,
): Promise<(text: string) => unknown> {
  if (!env['WEBHOOKS_FILE']) return JSON.parse;
  const { parse } = await import('yaml');
  return (text) => parse(text);
}
