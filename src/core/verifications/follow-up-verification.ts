import type { ChannelDefinition } from '../../contract/index.ts';
import type { StoredRecord } from '../../ports/index.ts';
import { graceEndsMs } from './conclude-verification.ts';
import type { OutcomeDeps } from '../core-deps.ts';
import { receiveEarlyNotification } from './receive-notification.ts';
import {
  decodeRecord,
  kindOf,
  placeholderKeepSeconds,
  type VerificationRecord,
} from '../records/records.ts';
import { awaitsOutcome } from './learn-outcome.ts';
import { refreshVerification, retentionEndsMs } from './refresh-verification.ts';
import { findOf, isEnabled, outcomeSourceOf } from '../upstream/registry.ts';
import { publishEnd } from './write-verification.ts';

/** How long a follow-up waits for the provider. */
const pollWithinMs = 10_000;
/** The delay after the first failed poll. It doubles with each further one. */
const firstRetryMs = 60_000;
/** People decide during days, and their decision should not wait for days. */
const mostBetweenReviewsMs = 3600 * 1000;
/**
 * The last poll is this long before the provider deletes the outcome. If it fails, it is repeated every
 * `lastRetryMs`.
 */
const lastChanceMs = 3600 * 1000;
const lastRetryMs = 300_000;

/**
 * Polls a verification in the background, for the case that no caller asks: when its grace period has ended,
 * again while the polls fail, and once more before the provider deletes the outcome. Returns the time of the
 * next follow-up; null if none is needed. Throws `StoreUnavailable`.
 */
export async function followUpVerification(deps: OutcomeDeps, id: string): Promise<number | null> {
  deps.scopes.concerns(id);
  const [stored] = await deps.store.records.get([id]);
  if (!stored || kindOf(stored) !== 'verification') return null;
  const record = decodeRecord('verification', stored);
  // The response to the start may still come. If not, the placeholder expires.
  if (record.startedAtMs === null) return deps.now() + placeholderKeepSeconds * 1000;
  if (record.status !== 'PENDING') return (await afterEnd(deps, id)) ?? askOnceMore(deps, stored);
  await receiveEarlyNotification(deps, id);
  const [current] = await deps.store.records.get([id]);
  if (!current) return null;
  if (decodeRecord('verification', current).status !== 'PENDING') return afterEnd(deps, id);

  const channel = findOf(deps.registry, record)?.definition.channels[record.channel];
  const lastMs = retentionEndsMs(record, channel) - lastChanceMs;
  const endsMs = Math.min(graceEndsMs(record, channel?.graceSeconds ?? 0), Math.max(lastMs, 0));
  if (deps.now() < endsMs) return endsMs;
  const seen = await refreshVerification(deps, current, deps.now() + pollWithinMs, 'reconcile');
  return seen.status === 'PENDING'
    ? nextFollowUpMs(seen, channel, endsMs, deps.now())
    : afterEnd(deps, id);
}

/** Publishes the end if nothing has published it yet. */
async function afterEnd(deps: OutcomeDeps, id: string): Promise<number | null> {
  const [stored] = await deps.store.records.get([id]);
  const isTold = !stored || (await publishEnd(deps, stored));
  return isTold ? null : deps.now() + firstRetryMs;
}

/** Asks what a cancelled verification cost, once its person can no longer go on. */
async function askOnceMore(deps: OutcomeDeps, stored: StoredRecord): Promise<number | null> {
  const record = decodeRecord('verification', stored);
  const provider = findOf(deps.registry, record);
  const channel = provider?.definition.channels[record.channel];
  if (!awaitsOutcome(record) || !provider || !channel) return null;
  // The source of a provider that is not enabled is not known, and its account may come back.
  if (isEnabled(provider) && outcomeSourceOf(provider, channel) !== 'QUERY') return null;
  const forgottenMs = retentionEndsMs(record, channel);
  const endsMs = Math.min(graceEndsMs(record, channel.graceSeconds), forgottenMs);
  if (deps.now() < endsMs) return endsMs;
  const seen = await refreshVerification(deps, stored, deps.now() + pollWithinMs, 'reconcile');
  const isOver = !awaitsOutcome(seen) || deps.now() >= forgottenMs;
  return isOver ? null : nextFollowUpMs(seen, channel, endsMs, deps.now());
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
  const mostMs = record.phase === 'UNDER_REVIEW' ? mostBetweenReviewsMs : Infinity;
  const waitMs = Math.min(Math.max(firstRetryMs, nowMs - endsMs), mostMs);
  return Math.min(nowMs + waitMs, lastMs);
}
