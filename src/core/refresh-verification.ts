import {
  LimiterRefusal,
  ProviderFault,
  StoreUnavailable,
  type ChannelDefinition,
  type StoredRecord,
} from '../contract/index.ts';
import { callProvider } from './call-provider.ts';
import { concludeVerification, forgetVerification, graceEndsMs } from './conclude-verification.ts';
import type { CoreDeps } from './core-deps.ts';
import { logBug } from './log-bug.ts';
import { orByDeadline } from './or-by-deadline.ts';
import {
  decodeRecord,
  encodeRecord,
  keepRecordSeconds,
  type VerificationRecord,
} from './records.ts';
import { isEnabled, outcomeSourceOf, type RegisteredProvider } from './registry.ts';

/** Longer than any caller waits, so that two calls in a row have their full time. */
const askTimeoutMs = 15_000;

/**
 * A verification as it is now: a pending one is asked about at its provider.
 *
 * However many people ask, the provider is asked once per `pollEveryMs` and everybody gets that
 * answer. When it does not answer, what is known stays. A terminal status never changes. Who came
 * back from the provider waits for the next time it may be asked.
 */
export async function refreshVerification(
  deps: CoreDeps,
  stored: StoredRecord,
  deadlineMs: number,
  hint: 'none' | 'came_back' = 'none',
): Promise<VerificationRecord> {
  const record = decodeRecord('verification', stored);
  if (record.status !== 'PENDING' || record.startedAtMs === null) return record;

  const provider = deps.registry.find(record.providerId);
  const channel = provider?.definition.channels[record.channel];
  const retentionEndsMs = record.startedAtMs + (channel?.retentionSeconds ?? 3 * 86_400) * 1000;
  if (deps.now() >= retentionEndsMs) return replace(deps, stored, forgetVerification(record));
  if (!provider || !channel || !isEnabled(provider)) return record;
  if (outcomeSourceOf(provider, channel) !== 'QUERY') {
    const isOver = deps.now() >= graceEndsMs(record, channel.graceSeconds);
    return isOver ? replace(deps, stored, forgetVerification(record)) : record;
  }

  // Nobody finishes within a second of being sent off.
  const isFresh = deps.now() - record.startedAtMs < channel.pollEveryMs;
  if (isFresh && hint === 'none') return record;
  const current = deps.asking.get(record.id);
  const nextAskMs = current ? current.startedMs + channel.pollEveryMs : 0;
  if (current && deps.now() < nextAskMs) {
    if (hint === 'none') return orByDeadline(deps.now, deadlineMs, current.answer, () => record);
    // Somebody who has just come back was perhaps not finished when it was last asked.
    await new Promise((resolve) => setTimeout(resolve, nextAskMs - deps.now()));
    const [newer] = await deps.store.records.get([record.id]);
    return newer ? refreshVerification(deps, newer, deadlineMs) : record;
  }
  const answer = ask(deps, stored, record, provider, channel);
  // Everybody may have left by the time it fails.
  answer.catch(() => {});
  const asking = { startedMs: deps.now(), answer };
  deps.asking.set(record.id, asking);
  setTimeout(() => {
    if (deps.asking.get(record.id) === asking) deps.asking.delete(record.id);
  }, channel.pollEveryMs).unref();
  return orByDeadline(deps.now, deadlineMs, answer, () => record);
}

async function ask(
  deps: CoreDeps,
  stored: StoredRecord,
  record: VerificationRecord,
  provider: RegisteredProvider,
  channel: ChannelDefinition<unknown>,
): Promise<VerificationRecord> {
  try {
    // The provider gets its full time, however little the one who asked has: a short deadline must
    // not look like the provider's trouble.
    const deadlineMs = deps.now() + askTimeoutMs;
    const call = callProvider(deps, provider, { priority: 'result', deadlineMs });
    const answer = await channel.fetchOutcome(call, record.session ?? {});
    const concluded = concludeVerification(record, answer, {
      nowMs: deps.now(),
      graceSeconds: channel.graceSeconds,
      evidence: 'QUERIED',
    });
    if (concluded.status === 'UNDETERMINED' && concluded.outcome?.reason === 'OTHER') {
      deps.log.event('warn', 'outcome_unknown_code', {
        provider: record.providerId,
        code: concluded.outcome.code ?? '',
      });
    }
    return await replace(deps, stored, concluded);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    if (error instanceof ProviderFault || error instanceof LimiterRefusal) return record;
    logBug(deps.log, `${record.providerId} ${record.channel} fetchOutcome`, error);
    return record;
  }
}

/** Somebody else may have written in between: then theirs stands, since it may be terminal. */
async function replace(
  deps: CoreDeps,
  stored: StoredRecord,
  record: VerificationRecord,
): Promise<VerificationRecord> {
  const keepSeconds = keepRecordSeconds(deps.retentionDays);
  const isStored = await deps.store.records.replace(stored, encodeRecord(record), keepSeconds);
  if (isStored) return record;
  const [newer] = await deps.store.records.get([record.id]);
  return newer ? decodeRecord('verification', newer) : record;
}
