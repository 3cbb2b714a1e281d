import { createHmac } from 'node:crypto';
import type { Secret } from '../../contract/index.ts';

const prefix = 'whsec_';
const leastBytes = 24;
const mostBytes = 64;

export interface Signed {
  readonly id: string;
  /** Epoch seconds, of this attempt. */
  readonly atSeconds: number;
  readonly body: string;
}

/**
 * The headers of a delivery. Source: Standard Webhooks 1.0.0, symmetric signatures (2026-11). `node:crypto` gives the bytes
 * of the package `standardwebhooks`, which hashes in JavaScript.
 */
export function signWebhook(
  { id, atSeconds, body }: Signed,
  secrets: readonly Secret[],
): Readonly<Record<string, string>> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.reveal().slice(prefix.length), 'base64');
    const mac = createHmac('sha256', key).update(`${id}.${atSeconds}.${body}`).digest('base64');
    return `v1,${mac}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(atSeconds),
    'webhook-signature': signatures.join(' '),
  };
}

/** Whether a text has the form of a secret: `whsec_` and the base64 of 24 to 64 bytes. */
export function isWebhookSecret(text: string): boolean {
  const encoded = text.slice(prefix.length);
  const { length } = Buffer.from(encoded, 'base64');
  return (
    text.startsWith(prefix) &&
    /^[A-Za-z0-9+/]+={0,2}$/u.test(encoded) &&
    length >= leastBytes &&
    length <= mostBytes
  );
}
