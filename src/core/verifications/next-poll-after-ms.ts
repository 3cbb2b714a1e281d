import type { Clock, Providers } from '../core-deps.ts';
import type { VerificationRecord } from '../records/records.ts';
import { findOf, isEnabled, outcomeSourceOf } from '../upstream/registry.ts';
import { graceEndsMs } from './conclude-verification.ts';
import { pollIntervalMs } from './refresh-verification.ts';

/** The poll interval if the provider cannot be queried now. */
const defaultPollMs = 5000;

/** After how many ms a poll can tell something new; null once the verification has ended. */
export function nextPollAfterMs(
  { registry, now }: Clock & Pick<Providers, 'registry'>,
  record: VerificationRecord,
): number | null {
  if (record.status !== 'PENDING') return null;
  const provider = findOf(registry, record);
  const channel = provider?.definition.channels[record.channel];
  if (!provider || !channel || !isEnabled(provider)) return defaultPollMs;
  const { graceSeconds } = channel;
  const pollEveryMs = pollIntervalMs(record, channel);
  if (outcomeSourceOf(provider, channel) === 'NONE') {
    // No outcome can be known before the end.
    return Math.max(pollEveryMs, graceEndsMs(record, graceSeconds) - now());
  }
  // The last query may have failed. The interval still applies, so that a provider in trouble is not
  // queried in a loop.
  const lastMs = record.lastAskedAtMs ?? record.startedAtMs;
  const leftMs = (lastMs ?? now()) + pollEveryMs - now();
  return leftMs > 0 ? Math.min(leftMs, pollEveryMs) : pollEveryMs;
}
