import { isOf } from './is-of.ts';
import { sanitizeCode, sanitizeExplanation, sanitizeRequestId } from './sanitize-code.ts';

const faultBrand = Symbol.for('verification-subgraph ProviderFault');
const answerBrand = Symbol.for('verification-subgraph ProviderErrorResponse');

/**
 * The ways in which an upstream call can fail, by what is known about the provider's side.
 *
 * The kinds above the line prove that nothing was performed and nothing charged.
 */
export const faultKinds = [
  /**
   * No byte of the request was sent: connection refused, DNS, TLS, connect timeout, circuit breaker,
   * deadline.
   */
  'not_sent',
  /** The provider's rate limit. */
  'throttled',
  /** The provider says that it cannot serve the request now and did nothing. */
  'busy',
  /** The provider refused the signature, clock, key or temporary token. */
  'credentials',
  /** The account lacks permission, or the request names something that the service does not have. */
  'misconfigured',
  /** The account has no money or units left. */
  'quota_exhausted',
  /** The provider refuses this request: parameters, size, an unregistered person. */
  'rejected',
  /** The provider no longer keeps the session of this token. */
  'session_expired',
  /** The provider does not know the token. */
  'session_unknown',
  // ---- the kinds below this line: the call may have been performed
  /** The provider had an internal error. */
  'internal',
  /** Sent, and no response came before the deadline. */
  'timeout',
  /** Sent, and the connection broke before the response was complete. */
  'connection_lost',
  /** Not a response of the provider's API: HTML, a redirect, a 5xx status, invalid or too large JSON. */
  'protocol',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface ProviderFaultDetails {
  /** The provider's own error code. */
  readonly providerCode?: string | undefined;
  /** The provider's id of the request, for its support. */
  readonly providerRequestId?: string | undefined;
  /** How long the provider asks to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /**
   * What the code means in this response, for a code with several meanings. A fixed text of the plugin, never one of
   * the provider, which may contain input.
   */
  readonly explanation?: string | undefined;
}

/**
 * A failed upstream call. The message is a fixed text of this project, because a provider's text may
 * contain user input.
 */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault';
  readonly [faultBrand] = true;
  readonly kind: FaultKind;
  readonly providerCode: string | undefined;
  readonly providerRequestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly explanation: string | undefined;

  constructor(kind: FaultKind, details: ProviderFaultDetails = {}) {
    super(`provider call failed: ${kind}`);
    this.kind = kind;
    const { providerCode: code, providerRequestId: requestId } = details;
    this.providerCode = code === undefined ? undefined : sanitizeCode(code);
    this.providerRequestId = requestId === undefined ? undefined : sanitizeRequestId(requestId);
    this.retryAfterMs = details.retryAfterMs;
    this.explanation =
      details.explanation === undefined ? undefined : sanitizeExplanation(details.explanation);
  }

  static override [Symbol.hasInstance](value: unknown): value is ProviderFault {
    return isOf(faultBrand, value);
  }
}

/**
 * The provider's own error response, as a plugin read it. Core looks up the code in the plugin's table. A
 * code that is not there counts as `internal`, because it does not show what was done.
 */
export class ProviderErrorResponse extends Error {
  override readonly name = 'ProviderErrorResponse';
  readonly [answerBrand] = true;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly explanation: string | undefined;

  constructor(
    code: string,
    details: {
      readonly requestId?: string | undefined;
      readonly retryAfterMs?: number | undefined;
      /** What the code means here: see `ProviderFaultDetails`. */
      readonly explanation?: string | undefined;
    } = {},
  ) {
    super('the provider returned an error');
    this.code = code;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
    this.explanation = details.explanation;
  }

  static override [Symbol.hasInstance](value: unknown): value is ProviderErrorResponse {
    return isOf(answerBrand, value);
  }
}

/**
 * Finds a provider's error code in a table: the full code first, then each dotted prefix. For `A.B.C` it
 * looks up `A.B.C`, `A.B` and `A`.
 */
export function classifyCode(
  table: Readonly<Record<string, FaultKind>>,
  code: string,
): FaultKind | undefined {
  for (let key = code; key !== ''; key = key.slice(0, Math.max(0, key.lastIndexOf('.')))) {
    if (Object.hasOwn(table, key)) return table[key];
  }
  return undefined;
}

/** Whether a thrown value is a fault of one of these kinds. */
export function isFault(error: unknown, ...kinds: readonly FaultKind[]): error is ProviderFault {
  return error instanceof ProviderFault && kinds.includes(error.kind);
}
