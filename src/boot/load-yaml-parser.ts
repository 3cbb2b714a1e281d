import type { Document, LineCounter, Node } from 'yaml';

/** The text is YAML or JSON, and something in it would be read as something else than it says. */
export class AmbiguousYaml extends SyntaxError {
  override readonly name = 'AmbiguousYaml';
}

/** Reads YAML, and JSON, which is YAML too. Loaded only if a setting names a file of it, because it would delay each start. */
export async function loadYamlParser(
  env: Readonly<Record<string, string | undefined>>,
): Promise<(text: string) => unknown> {
  if (!env['WEBHOOKS_FILE'] && !env['ACCOUNTS_FILE']) return JSON.parse;
  const { isMap, isScalar, LineCounter: createLines, parseDocument, visit } = await import('yaml');

  /** The branch `0012` must not become the tenant `12`, nor a long id of a merchant another one. */
  const refuseAmbiguous = (document: Document, lines: LineCounter): void => {
    const refuse = (node: Node | null): never => {
      const { line } = lines.linePos(node?.range?.[0] ?? 0);
      throw new AmbiguousYaml(`line ${line}: names, and numbers that are ids, must be in quotes`);
    };
    visit(document, {
      Map: (_key, { items }) => {
        for (const { key } of items) {
          const isText = isScalar(key) && typeof key.value === 'string';
          if (!isText) refuse(isScalar(key) || isMap(key) ? key : null);
        }
      },
      Scalar: (_key, node) => {
        const { value, source } = node;
        const isChanged = typeof value === 'number' && String(value) !== source;
        if (isChanged) refuse(node);
      },
    });
  };

  return (text) => {
    const lineCounter = new createLines();
    // `parse` would print warnings, with the lines that they are about.
    const document = parseDocument(text, { logLevel: 'silent', lineCounter });
    if (document.errors.length > 0 || document.warnings.length > 0) throw new SyntaxError();
    refuseAmbiguous(document, lineCounter);
    return document.toJS();
  };
}
