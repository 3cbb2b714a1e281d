import { ReplyError } from 'ioredis';

/** Why Redis cannot be used. Operators see it in readiness and in the log. */
export type RedisFault =
  /** Nothing listens there, or the connection was closed. */
  | 'refused'
  /** The host name is unknown. */
  | 'name'
  /** The TLS handshake failed: no TLS there, an untrusted certificate, or one for another host. */
  | 'tls'
  /** User, password or rights are wrong. */
  | 'credentials'
  /** The server has no database with this number. */
  | 'database'
  /** The server is a replica, or cannot save. */
  | 'read_only'
  /** The memory is full. */
  | 'full'
  /** The server evicts keys when it is full. */
  | 'evicting'
  /** It does not respond in time. */
  | 'timeout'
  /** A cluster without a server for each slot, or sentinels that know no master. */
  | 'incomplete'
  /** It loads its data. */
  | 'loading';

// Codes of Node and first words of replies of Redis 7, as of 2026-11. ioredis repeats some inside its own messages:
// "All sentinels are unreachable. … Last error: …".
const patterns: readonly (readonly [RedisFault, RegExp])[] = [
  ['database', /DB index is out of range/u],
  ['credentials', /\b(?:WRONGPASS|NOAUTH|NOPERM)\b|^ERR .*\bAUTH\b/u],
  ['read_only', /^(?:READONLY|MISCONF|MASTERDOWN|NOREPLICAS)\b/u],
  ['full', /^OOM\b/u],
  ['loading', /^(?:LOADING|BUSY)\b/u],
  [
    'tls',
    /\b(?:ERR_SSL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)|certificate|secure TLS connection|SSL routines/u,
  ],
  ['name', /\b(?:ENOTFOUND|EAI_AGAIN|EAI_FAIL)\b/u],
  ['refused', /\b(?:ECONNREFUSED|ECONNRESET|EPIPE|EHOSTUNREACH|ENETUNREACH)\b/u],
  ['timeout', /\bETIMEDOUT\b|does not respond|timed? ?out/iu],
  ['incomplete', /CLUSTERDOWN|All sentinels are unreachable|Failed to refresh slots cache/u],
];

/** Reads code and message of an error of ioredis. Null if it says nothing about the server. */
export function toRedisFault(error: unknown): RedisFault | null {
  const texts = causesOf(error);
  // What closed it was an error of its own.
  if (texts.some((text) => /Connection is closed/u.test(text))) return null;
  // The message may say more than the code: a TLS handshake that is cut off has the code ECONNRESET.
  const found = patterns.find(([, pattern]) => texts.some((text) => pattern.test(text)));
  return found?.[0] ?? null;
}

/** Codes and messages, of the innermost errors first: a cluster wraps what happened on its last node. */
function causesOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const { code, message, lastNodeError, cause, errors } = error as Partial<
    Record<'code' | 'message' | 'lastNodeError' | 'cause' | 'errors', unknown>
  >;
  const inner = [lastNodeError, cause, ...(Array.isArray(errors) ? errors : [])].flatMap(causesOf);
  return [...inner, code, message].filter((text) => typeof text === 'string');
}

/** Whether Redis refuses the command for a reason that does not pass by itself. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ReplyError && toRedisFault(error) === null;
}
