import { z } from 'zod';
import { Secret } from '../contract/index.ts';
import type { VelocityRule } from '../ports/index.ts';
import type { NamedKey } from '../core/records/keyed-hash.ts';
import type { Routing } from '../core/upstream/registry.ts';
import type { JwtClaims } from '../http/jwt-reader.ts';

// Parsers for the values of settings. Each reports the expected form, never the value.

export function readList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

/** `kid:base64,…`, each of at least 256 bits. */
export function readKeys(
  text: string,
  context: z.RefinementCtx,
): readonly [NamedKey, ...NamedKey[]] {
  const keys = readList(text).map((part) => {
    const [kid = '', encoded = ''] = part.split(':');
    const isGood =
      /^[\w-]{1,32}$/u.test(kid) &&
      /^[A-Za-z0-9+/]+={0,2}$/u.test(encoded) &&
      Buffer.from(encoded, 'base64').length >= 32;
    return isGood ? { kid, key: new Secret(encoded) } : null;
  });
  const [first, ...rest] = keys.filter((key) => key !== null);
  const isUnique = new Set(keys.map((key) => key?.kid)).size === keys.length;
  if (!first || keys.includes(null) || !isUnique) {
    context.addIssue('must be kid:base64,… with different kids and at least 32 bytes each');
    return z.NEVER;
  }
  return [first, ...rest];
}

/** `secret,…`; two during a rotation. */
export function readSecrets(text: string, context: z.RefinementCtx): readonly Secret[] {
  const secrets = readList(text);
  if (secrets.length > 0 && secrets.every((secret) => /^[\u0021-\u007e]{16,}$/u.test(secret))) {
    return secrets.map((secret) => new Secret(secret));
  }
  context.addIssue('must be secrets of at least 16 characters without blanks, separated by commas');
  return z.NEVER;
}

/** `tenant=claim,user=claim,scopes=claim`, or the three names in this order. */
export function readClaims(text: string, context: z.RefinementCtx): JwtClaims {
  const order = ['tenant', 'user', 'scopes'];
  const parts = readList(text).map((part) => /^(?:(tenant|user|scopes)=)?\s*(.+)$/u.exec(part));
  const isNamed = parts.some((part) => part?.[1] !== undefined);
  const entries = parts.map((part, at) => [isNamed ? part?.[1] : order[at], part?.[2]]);
  const { tenant, user, scopes } = Object.fromEntries(entries) as Partial<JwtClaims>;
  const isDistinct = new Set([tenant, user, scopes]).size === order.length;
  if (parts.length === order.length && isDistinct && tenant && user && scopes) {
    return { tenant, user, scopes };
  }
  context.addIssue('must be tenant=…,user=…,scopes=… with the names of your claims');
  return z.NEVER;
}

/** `30/3600`: so many in so many seconds. */
export function readRule(text: string, context: z.RefinementCtx): VelocityRule {
  const [, most, seconds] = /^\s*([1-9]\d{0,8})\s*\/\s*([1-9]\d{0,8})\s*$/u.exec(text) ?? [];
  if (most !== undefined && seconds !== undefined) {
    return { most: Number(most), seconds: Number(seconds) };
  }
  context.addIssue('must be a number of calls and of seconds, such as 30/3600');
  return z.NEVER;
}

/** `CHANNEL=provider,provider;…` */
export function readRouting(text: string, context: z.RefinementCtx): Routing {
  const routing = new Map<string, readonly string[]>();
  for (const part of text.split(';').filter((each) => each.trim() !== '')) {
    const [, channel, list] = /^\s*([A-Z][A-Z0-9_]*)\s*=([^=]*)$/u.exec(part) ?? [];
    if (channel === undefined || list === undefined || routing.has(channel)) {
      context.addIssue('must be CHANNEL=provider,…;… with each channel once');
      return z.NEVER;
    }
    routing.set(channel, readList(list));
  }
  return routing;
}

/** `origin,…` */
export function readPlainOrigins(text: string, context: z.RefinementCtx): readonly string[] {
  const origins = readList(text);
  if (origins.every(isOrigin)) return origins;
  context.addIssue('must be origin,… such as https://app.example.com');
  return z.NEVER;
}

export function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** `origin,…` for every tenant, or `tenant=origin,…;…`. */
export function readOrigins(
  text: string,
  context: z.RefinementCtx,
): ReadonlyMap<string, ReadonlySet<string>> {
  const byTenant = new Map<string, ReadonlySet<string>>();
  for (const part of text.split(';').filter((each) => each.trim() !== '')) {
    const [tenant, list] = part.includes('=') ? part.split('=', 2) : ['*', part];
    const origins = readList(list ?? '');
    if (!origins.every(isOrigin) || origins.length === 0 || !tenant?.trim()) {
      context.addIssue('must be origin,… or tenant=origin,…;… such as https://app.example.com');
      return z.NEVER;
    }
    byTenant.set(tenant.trim(), new Set(origins));
  }
  if (byTenant.size === 0) {
    context.addIssue('must name an origin, such as https://app.example.com');
    return z.NEVER;
  }
  return byTenant;
}

/** `tenant=name;…` */
export function readTenantNames(
  text: string,
  context: z.RefinementCtx,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const part of text.split(';').filter((each) => each.trim() !== '')) {
    const [, tenant, name] = /^\s*([^=\s][^=]*?)\s*=\s*(\S.{0,79}?)\s*$/u.exec(part) ?? [];
    // Control characters, and those that turn the direction of a text.
    if (tenant === undefined || name === undefined || names.has(tenant) || /\p{C}/u.test(name)) {
      context.addIssue(
        'must be tenant=name;… with each tenant once, and names of at most 80 characters without control characters',
      );
      return z.NEVER;
    }
    names.set(tenant, name);
  }
  return names;
}
