import type { ChannelDefinition } from '../../contract/index.ts';
import { graceEndsMs } from './conclude-verification.ts';
import type { Clock, Outbox, OutcomeDeps, Storage } from '../core-deps.ts';
import { receiveEarlyNotification } from './receive-notification.ts';
import {
  decodeRecord,
  kindOf,
  placeholderKeepSeconds,
  type VerificationRecord,
} from '../records/records.ts';
import { refreshVerification, retentionEndsMs } from './refresh-verification.ts';
import { publishEnd } from './write-verification.ts';

/** How long somebody who waits for nothing waits for the provider. */
const askWithinMs = 10_000;
/** After asking in vain; then twice as long since the end, each time. */
const firstRetryMs = 60_000;
/** So long before the provider forgets, it is asked once more; and again, should that be in vain. */
const lastChanceMs = 3600 * 1000;
const lastRetryMs = 300_000;

/**
 * Comes back to a verification that perhaps nobody asks about: when its time is over, again while
 * the provider does not answer, and once more before the provider forgets. When to come again; null
 * when there is nothing left to do. Throws `StoreUnavailable`.
 */
export async function followUpVerification(deps: OutcomeDeps, id: string): Promise<number | null> {
  const [stored] = await deps.store.records.get([id]);
  if (!stored || kindOf(stored) !== 'verification') return null;
  const record = decodeRecord('verification', stored);
  // Its answer may still come, or the placeholder goes.
  if (record.startedAtMs === null) return deps.now() + placeholderKeepSeconds * 1000;
  if (record.status !== 'PENDING') return afterEnd(deps, id);
  await receiveEarlyNotification(deps, id);
  const [current] = await deps.store.records.get([id]);
  if (!current) return null;
  if (decodeRecord('verification', current).status !== 'PENDING') return afterEnd(deps, id);

  const channel = deps.registry.find(record.providerId)?.definition.channels[record.channel];
  const lastMs = retentionEndsMs(record, channel) - lastChanceMs;
  const endsMs = Math.min(graceEndsMs(record, channel?.graceSeconds ?? 0), Math.max(lastMs, 0));
  if (deps.now() < endsMs) return endsMs;
  const seen = await refreshVerification(deps, current, deps.now() + askWithinMs, 'reconcile');
  return seen.status === 'PENDING'
    ? nextFollowUpMs(seen, channel, endsMs, deps.now())
    : afterEnd(deps, id);
}

/** Other services have to be told, whoever wrote how it ended. */
async function afterEnd(deps: Clock & Storage & Outbox, id: string): Promise<number | null> {
  const [stored] = await deps.store.records.get([id]);
  const isTold = !stored || (await publishEnd(deps, stored));
  return isTold ? null : deps.now() + firstRetryMs;
}

function nextFollowUpMs(
  record: VerificationRecord,
  channel: ChannelDefinition<unknown> | undefined,
  endsMs: number,
  nowMs: number,
): number {
  const forgottenMs = retentionEndsMs(record, channel);
  const lastMs = forgottenMs - lastChanceMs;
  if (nowMs >= lastMs) return Math.min(nowMs + lastRetryMs, forgottenMs);
  return Math.min(nowMs + Math.max(firstRetryMs, nowMs - endsMs), lastMs);
}
