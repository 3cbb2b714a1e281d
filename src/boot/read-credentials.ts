import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Where credentials with an end come from, such as the token service of a cloud. */
export type CredentialSource =
  | { readonly command: readonly [string, ...string[]] }
  | { readonly file: string }
  /** On loopback only. */
  | { readonly url: string };

export interface Credentials {
  /** By the names of the provider's settings, without prefix. */
  readonly settings: Readonly<Record<string, string>>;
  /** In epoch ms; null if they do not end. */
  readonly expiresAtMs: number | null;
}

const withinMs = 10_000;
const mostBytes = 64 * 1024;

/** The names that Tencent Cloud's metadata service uses (API of instance metadata, 2026). */
const settingNames: Readonly<Record<string, string>> = {
  TmpSecretId: 'SECRET_ID',
  TmpSecretKey: 'SECRET_KEY',
  Token: 'SESSION_TOKEN',
};
const endNames = ['expiresAt', 'ExpiredTime', 'Expiration'];

/** Asks a source for the settings with these names. Throws an error without any value of the answer. */
export async function readCredentials(
  source: CredentialSource,
  names: readonly string[],
  nowMs: number,
): Promise<Credentials> {
  let text: string;
  try {
    text = await readText(source);
  } catch {
    throw new Error('the source does not answer');
  }
  const given = parse(text);
  if (given['Code'] !== undefined && given['Code'] !== 'Success') {
    throw new Error('the source reports an error');
  }
  const end = endNames.map((name) => given[name]).find((value) => value != null);
  const expiresAtMs = end === undefined ? null : toMs(end);
  if (expiresAtMs !== null && expiresAtMs <= nowMs) throw new Error('the credentials have ended');
  const settings = Object.entries(given)
    .map(([name, value]) => [settingNames[name] ?? name, value] as const)
    .filter((entry): entry is readonly [string, string] => {
      const [name, value] = entry;
      return names.includes(name) && typeof value === 'string' && value !== '';
    });
  if (settings.length === 0) throw new Error('the source names no credentials');
  return { settings: Object.fromEntries(settings), expiresAtMs };
}

async function readText(source: CredentialSource): Promise<string> {
  if ('file' in source) return readFile(source.file, 'utf8');
  if ('url' in source) {
    const response = await fetch(source.url, {
      signal: AbortSignal.timeout(withinMs),
      redirect: 'error',
    });
    if (!response.ok) throw new Error('the source refuses');
    return response.text();
  }
  const [program, ...args] = source.command;
  const options = { timeout: withinMs, maxBuffer: mostBytes };
  return (await promisify(execFile)(program, args, options)).stdout;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const given = Object(JSON.parse(text)) as { readonly Credentials?: object };
    return { ...given, ...given.Credentials };
  } catch {
    throw new Error('the source does not answer with JSON');
  }
}

/** ISO 8601, or epoch seconds. */
function toMs(end: unknown): number {
  const ms = typeof end === 'number' ? end * 1000 : Date.parse(String(end));
  if (Number.isNaN(ms)) throw new Error('the source names an end that is no time');
  return ms;
}
