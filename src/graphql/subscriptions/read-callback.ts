import { allowedCallback, type CallbackRule } from '../../core/allowed-callback.ts';

/** Where the values of a subscription go, as the request for it says. */
export interface Callback {
  readonly url: string;
  readonly subscriptionId: string;
  readonly verifier: string;
  /** After this time without a message the router ends the subscription. 0: it does not. */
  readonly heartbeatIntervalMs: number;
}

/**
 * The callback in the extensions of a request; null if there is none, it is malformed, or its URL is not allowed.
 *
 * Source: HTTP callback protocol of Apollo, callback/1.0, as of 2026-11.
 */
export function readCallback(
  rules: readonly CallbackRule[],
  extensions: Readonly<Record<string, unknown>> | undefined,
): Callback | null {
  const given = Object(extensions?.['subscription']) as Readonly<Record<string, unknown>>;
  const { callbackUrl, subscriptionId, verifier, heartbeatIntervalMs: interval = 0 } = given;
  if (typeof callbackUrl !== 'string' || !isName(subscriptionId) || !isName(verifier)) return null;
  if (typeof interval !== 'number' || !Number.isFinite(interval) || interval < 0) return null;
  const url = allowedCallback(rules, callbackUrl);
  return url === null ? null : { url, subscriptionId, verifier, heartbeatIntervalMs: interval };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[\u0021-\u007e]{1,512}$/u.test(value);
}
