import type { ChannelDefinition } from '../../contract/index.ts';
import type { StoredRecord } from '../../ports/index.ts';
import type { Clock, OutcomeDeps, Storage, Tenancy } from '../core-deps.ts';
import { decodeRecord, encodeRecord, lifeOf, type VerificationRecord } from '../records/records.ts';
import { findOf, isEnabled, outcomeSourceOf } from '../upstream/registry.ts';
import { withTimeout } from '../with-timeout.ts';
import { forgetVerification, graceEndsMs } from './conclude-verification.ts';
import { awaitsOutcome } from './learn-outcome.ts';
import { needsNewPoll, sharePoll, type RefreshReason } from './share-poll.ts';
import { writeOrReadNewer } from './write-verification.ts';

/** Used if the channel of a verification no longer exists. */
const defaultRetentionSeconds = 3 * 24 * 3600;

/**
 * The current state of a verification. Polls the provider if it is pending.
 *
 * Over all replicas only one request polls the provider, at most once per `pollEveryMs`, and all requests get
 * its result. If the poll fails, the record keeps its status. A terminal status never changes.
 */
export async function refreshVerification(
  deps: OutcomeDeps,
  stored: StoredRecord,
  deadlineMs: number,
  reason: RefreshReason = 'asked',
): Promise<VerificationRecord> {
  const record = decodeRecord('verification', stored);
  if (record.startedAtMs === null) return record;
  if (record.status !== 'PENDING') return refreshEnded(deps, stored, deadlineMs, reason);

  const provider = findOf(deps.registry, record);
  const channel = provider?.definition.channels[record.channel];
  if (deps.now() >= retentionEndsMs(record, channel)) {
    return writeOrReadNewer(deps, stored, forgetVerification(record));
  }
  // A redacted verification has no session, so it cannot be polled.
  const canAsk = provider && isEnabled(provider) && record.session !== null;
  if (!channel || (!canAsk && record.redactedAtMs === null)) return record;
  const { fetchOutcome } = channel;
  if (!canAsk || outcomeSourceOf(provider, channel) !== 'QUERY' || !fetchOutcome) {
    // A review by people ends with a notification, which can be read while the provider is enabled.
    const isReviewed = canAsk === true && record.phase === 'UNDER_REVIEW';
    const isOver = !isReviewed && deps.now() >= graceEndsMs(record, channel.graceSeconds);
    return isOver ? writeOrReadNewer(deps, stored, forgetVerification(record)) : record;
  }

  // The start counts as a poll: no person finishes within a second of it.
  const lastMs = record.lastAskedAtMs ?? record.startedAtMs;
  const agoMs = deps.now() - lastMs;
  // Negative if the clock of another replica is ahead. Then it is not known how fresh the poll is.
  const isFresh = agoMs >= 0 && agoMs < pollIntervalMs(record, channel);
  if (isFresh && !needsNewPoll(reason)) return record;
  const known = reason === 'came_back' ? await noteReturn(deps, stored) : stored;
  const polled = decodeRecord('verification', known);
  const polling = sharePoll(deps, {
    ...{ stored: known, record: polled },
    ...{ provider, channel, fetchOutcome, reason },
  });
  return withTimeout(deadlineMs - deps.now(), polling, () => polled);
}

/** How often another request may write the record in between. */
const mostTries = 5;

/**
 * Stores that the person has come back, before the poll: some results are final only from then on, and the poll may find
 * the lock taken, or fail. Returns the record as it is now.
 */
async function noteReturn(
  deps: Clock & Storage & Tenancy,
  stored: StoredRecord,
): Promise<StoredRecord> {
  let current = stored;
  for (let tries = 0; tries < mostTries; tries++) {
    const record = decodeRecord('verification', current);
    if (record.hasReturned || record.status !== 'PENDING') return current;
    const returned = { ...record, hasReturned: true };
    const { records } = deps.store;
    const written = await records.replace(current, encodeRecord(returned), lifeOf(returned, deps));
    if (written) return written;
    const [newer] = await records.get([record.id]);
    if (!newer) return current;
    current = newer;
  }
  return current;
}

/** An ended verification is not polled, except for what a cancelled one cost. */
async function refreshEnded(
  deps: OutcomeDeps,
  stored: StoredRecord,
  deadlineMs: number,
  reason: RefreshReason,
): Promise<VerificationRecord> {
  const record = decodeRecord('verification', stored);
  if (reason === 'asked' || !awaitsOutcome(record)) return record;
  const provider = findOf(deps.registry, record);
  const channel = provider?.definition.channels[record.channel];
  if (!channel?.fetchOutcome || !provider || !isEnabled(provider)) return record;
  const isQueried = outcomeSourceOf(provider, channel) === 'QUERY';
  if (!isQueried || deps.now() >= retentionEndsMs(record, channel)) return record;
  const { fetchOutcome } = channel;
  const polling = sharePoll(deps, { stored, record, provider, channel, fetchOutcome, reason });
  return withTimeout(deadlineMs - deps.now(), polling, () => record);
}

/** Decisions by people take at least minutes. */
const reviewPollMs = 60_000;

export function pollIntervalMs(
  { phase }: VerificationRecord,
  { pollEveryMs }: ChannelDefinition<unknown>,
): number {
  return phase === 'UNDER_REVIEW' ? Math.max(pollEveryMs, reviewPollMs) : pollEveryMs;
}

/** When the provider deletes the outcome. Until then it can be polled. */
export function retentionEndsMs(
  { startedAtMs, createdAtMs }: VerificationRecord,
  channel: ChannelDefinition<unknown> | undefined,
): number {
  const retentionSeconds = channel?.retentionSeconds ?? defaultRetentionSeconds;
  return (startedAtMs ?? createdAtMs) + retentionSeconds * 1000;
}
