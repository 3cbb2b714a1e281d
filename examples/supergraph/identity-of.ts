/** For trying out: the caller of the headers, or Ann of Acme with every scope. A real router verifies a token. */
export function identityOf(
  header: (name: string) => string | readonly string[] | null | undefined,
): Readonly<Record<string, string>> {
  return {
    'x-tenant-id': String(header('x-tenant-id') ?? 'acme'),
    'x-user-id': String(header('x-user-id') ?? 'ann'),
    'x-scopes': String(header('x-scopes') ?? everything),
  };
}

const everything = 'verification:start verification:read bankcard:check verification:redact';
