import { canonicalJson } from '../claims/claim-names.ts';
import { modeOf, type OutcomeDeps } from '../core-deps.ts';
import { keyedHashes } from '../records/keyed-hash.ts';
import type { PickedChannel } from '../upstream/pick-provider.ts';
import { decodeRecord, type ReusedRecord, type VerificationRecord } from '../records/records.ts';
import { refreshVerification } from './refresh-verification.ts';

/** How long the check of an open launch may take. If that is too short, the launch counts as open. */
const refreshWithinMs = 1000;

export interface LaunchReuse {
  /** The cache keys, one for each listed hash key. */
  readonly keys: readonly [string, ...string[]];
  /** Starts the read that `find` begins with. */
  readonly prefetch: () => void;
  /** An open launch of the same user for the same input; null if there is none. */
  readonly find: () => Promise<ReusedRecord | null>;
  readonly remember: (started: VerificationRecord) => Promise<void>;
}

/**
 * If the channel allows it, an open launch is handed out again: to the same caller and user, for the same input
 * under another idempotency key, while the verification is pending and has some time left.
 */
export function launchReuse(
  deps: OutcomeDeps,
  { provider, channel }: PickedChannel,
  placeholder: VerificationRecord,
  /** What the caller gave, without the idempotency key. */
  input: object,
): LaunchReuse | null {
  const { reuse } = channel;
  if (!reuse) return null;
  const { store, hashKeys, now } = deps;
  const { id, tenantId, userId, callerId, providerId, account } = placeholder;
  const keys = keyedHashes(hashKeys, 'launch', [
    ...[modeOf(deps), tenantId, userId, callerId, provider.definition.id, provider.account],
    canonicalJson(input),
  ]);
  const marginMs = reuse.marginSeconds * 1000;

  let reading: Promise<string | null> | null = null;

  return {
    keys,
    prefetch: () => {
      reading = store.cache.get(keys[0]);
      reading.catch(() => {});
    },
    find: async () => {
      const verificationId = await (reading ?? store.cache.get(keys[0]));
      if (verificationId === null) return null;
      const [stored] = await store.records.get([verificationId]);
      if (!stored) return null;
      const known = decodeRecord('verification', stored);
      const isTheirs =
        known.tenantId === tenantId && known.userId === userId && known.callerId === callerId;
      const hasTime = ({ expiresAtMs }: VerificationRecord): boolean =>
        expiresAtMs !== null && expiresAtMs - now() > marginMs;
      if (!isTheirs || !hasTime(known)) return null;
      // Since the last poll it may have ended at the provider, or got a launch with less time.
      const current = await refreshVerification(deps, stored, now() + refreshWithinMs);
      const isOpen = current.status === 'PENDING' && current.redactedAtMs === null;
      const hasLaunch = current.launch !== null || current.launchFollows;
      if (!isOpen || !hasLaunch || !hasTime(current)) return null;
      const owner = { tenantId, userId, callerId };
      return { kind: 'reused', id, ...owner, providerId, account, verificationId };
    },
    remember: async ({ id: verificationId, expiresAtMs }) => {
      const keepMs = (expiresAtMs ?? 0) - now() - marginMs;
      if (keepMs <= 0) return;
      for (const key of keys) {
        await store.cache.set(key, verificationId, keepMs / 1000);
      }
    },
  };
}
