/** Reads YAML, and JSON, which is YAML too. Loaded only if a setting names a file of it, because it would delay each start. */
export async function loadYamlParser(
  env: Readonly<Record<string, string | undefined>>,
): Promise<(text: string) => unknown> {
  if (!env['WEBHOOKS_FILE'] && !env['ACCOUNTS_FILE']) return JSON.parse;
  const { parseDocument } = await import('yaml');
  return (text) => {
    // `parse` would print warnings, with the lines that they are about.
    const document = parseDocument(text, { logLevel: 'silent' });
    if (document.errors.length > 0 || document.warnings.length > 0) throw new SyntaxError();
    return document.toJS();
  };
}
