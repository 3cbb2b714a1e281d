import { z } from 'zod';
import { Secret } from '../contract/index.ts';
import { AmbiguousYaml } from './load-yaml-parser.ts';
import { publicPorts, toNetwork } from '../infra/webhooks/allowed-address.ts';
import { isWebhookSecret } from '../infra/webhooks/sign-webhook.ts';
import type { WebhookEndpoint } from '../infra/webhooks/webhook-endpoint.ts';
import { eventKinds } from '../ports/index.ts';

interface Deps {
  readonly readFile: (path: string) => string;
  readonly parseYaml: (text: string) => unknown;
}

const kind = z.enum(eventKinds, `must be one of ${eventKinds.join(', ')}`);

const endpoint = z
  .strictObject({
    tenant: z.string().min(1, 'must be a tenant, or *').max(255),
    url: z.string().refine(isWebhookUrl, 'must be an https URL without login and fragment'),
    secretFile: z.string().min(1, 'must be the path of a file'),
    kinds: z
      .array(kind)
      .min(1, 'must name a kind')
      .default([...eventKinds]),
    privateNetworks: z
      .array(z.string().refine((text) => toNetwork(text) !== null, 'must be such as 10.0.0.0/8'))
      .default([]),
  })
  // Also if other members are wrong, so that one boot shows all mistakes.
  .refine(hasPublicTarget, {
    path: ['url'],
    message: 'must be https with port 443 or 8443, except in one of privateNetworks',
    when: () => true,
  });

const file = z.strictObject({
  endpoints: z
    .record(
      z.string().regex(/^[a-z][\da-z-]{0,31}$/u, 'must be a name of a-z, 0-9 and -'),
      endpoint,
    )
    .refine((endpoints) => Object.keys(endpoints).length > 0, 'must name an endpoint'),
});

/**
 * The endpoints in the file of WEBHOOKS_FILE, which is YAML or JSON; docs/webhooks.md describes it. `mistakes`: one line per
 * mistake, by its path, without a value.
 */
export function readWebhooksFile(
  { readFile, parseYaml }: Deps,
  path: string,
): { readonly endpoints: readonly WebhookEndpoint[]; readonly mistakes: readonly string[] } {
  let given: unknown;
  try {
    given = parseYaml(readFile(path));
  } catch (error) {
    const line =
      error instanceof AmbiguousYaml
        ? `WEBHOOKS_FILE: ${error.message}.`
        : 'WEBHOOKS_FILE must name a file with YAML or JSON.';
    return { endpoints: [], mistakes: [line] };
  }
  return readEndpoints({ readFile }, given);
}

/** The endpoints that ACCOUNTS_FILE has for tenants. A name is used once in both files. */
export function readTenantWebhooks(
  { readFile }: Pick<Deps, 'readFile'>,
  tenants: ReadonlyMap<string, Readonly<Record<string, object>>>,
  taken: readonly WebhookEndpoint[],
): ReturnType<typeof readWebhooksFile> {
  const all = [...tenants].map(([tenant, given]) => {
    const endpoints = Object.fromEntries(
      Object.entries(given).map(([name, each]) => [name, { ...each, tenant }]),
    );
    const read = readEndpoints({ readFile }, { endpoints });
    const mistakes = read.mistakes.map((line) =>
      line.replace(/^WEBHOOKS_FILE: endpoints\.?/u, `ACCOUNTS_FILE: tenants.${tenant}.webhooks.`),
    );
    return { endpoints: read.endpoints, mistakes };
  });
  const endpoints = all.flatMap((each) => each.endpoints);
  const ids = [...taken, ...endpoints].map(({ id }) => id);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
  return {
    endpoints,
    mistakes: [
      ...all.flatMap(({ mistakes }) => mistakes),
      ...twice.map((id) => `ACCOUNTS_FILE: two webhooks are named ${id}. Rename one.`),
    ],
  };
}

function readEndpoints(
  { readFile }: Pick<Deps, 'readFile'>,
  given: unknown,
): ReturnType<typeof readWebhooksFile> {
  const { data, error } = file.safeParse(given);
  const wrongFiles = findWrongSecretFiles(readFile, given);
  const mistakes = [...(error?.issues.map(toMistake) ?? []), ...wrongFiles];
  if (!data || mistakes.length > 0) return { endpoints: [], mistakes };
  const endpoints = Object.entries(data.endpoints).flatMap(([id, each]) => {
    const { tenant: tenantId, secretFile, ...rest } = each;
    const secrets = readSecrets(readFile, secretFile);
    return secrets ? [{ ...rest, id, tenantId, secrets }] : [];
  });
  return { endpoints, mistakes };
}

function toMistake(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(toShown).join('.') || 'the file';
  const message =
    issue.code === 'unrecognized_keys'
      ? `has unknown members: ${issue.keys.map(toShown).join(', ')}`
      : issue.message;
  return `WEBHOOKS_FILE: ${path}: ${message}.`;
}

/** A name is shown if it is one. Something else may be a value in the wrong place. */
function toShown(name: PropertyKey): string {
  return /^\w[\w-]{0,31}$/u.test(String(name)) ? String(name) : '…';
}

/** Also if other members are wrong, so that one boot shows all mistakes. */
function findWrongSecretFiles(readFile: Deps['readFile'], given: unknown): string[] {
  const { endpoints } = Object(given) as { readonly endpoints?: unknown };
  return Object.entries(Object(endpoints) as object).flatMap(([id, each]: [string, unknown]) => {
    // zod leaves it out without a word.
    if (id === '__proto__') return ['WEBHOOKS_FILE: endpoints: has a name that is not allowed.'];
    const { secretFile } = Object(each) as { readonly secretFile?: unknown };
    if (typeof secretFile !== 'string' || readSecrets(readFile, secretFile)) return [];
    return [
      `WEBHOOKS_FILE: endpoints.${toShown(id)}.secretFile: must name a file with secrets, one per line: whsec_ and the base64 of 24 to 64 bytes.`,
    ];
  });
}

function readSecrets(readFile: Deps['readFile'], path: string): WebhookEndpoint['secrets'] | null {
  let text: string;
  try {
    text = readFile(path);
  } catch {
    return null;
  }
  const lines = text.split(/\s+/u).filter((line) => line !== '');
  const [first, ...others] = lines.map((line) => new Secret(line));
  return first && lines.every(isWebhookSecret) ? [first, ...others] : null;
}

/** What is wrong otherwise is told of elsewhere. */
function hasPublicTarget(given: unknown): boolean {
  const { url, privateNetworks = [] } = Object(given) as {
    readonly url?: unknown;
    readonly privateNetworks?: unknown;
  };
  if (typeof url !== 'string' || !isWebhookUrl(url)) return true;
  if (!Array.isArray(privateNetworks) || privateNetworks.length > 0) return true;
  const { protocol, port } = new URL(url);
  return protocol === 'https:' && publicPorts.includes(port);
}

function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/u.test(protocol) && username === '' && password === '' && hash === '';
}
