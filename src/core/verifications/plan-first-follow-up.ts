import type { ChannelDefinition } from '../../contract/index.ts';
import type { Clock, Outbox } from '../core-deps.ts';
import type { VerificationRecord } from '../records/records.ts';
import { graceEndsMs } from './conclude-verification.ts';

/** By then the response to the start has come, or will never come. */
const startIsOverMs = 12_000;
/** A provider may take this much longer for one start than for another. */
const slackMs = 2000;

interface FirstFollowUp {
  /** Nothing may be sent before it has resolved. Rejects with `StoreUnavailable`. */
  readonly planned: Promise<void>;
  /** Call when the start is known. Rejects with `StoreUnavailable`. */
  readonly correct: (started: VerificationRecord) => Promise<void>;
}

/**
 * Plans the first follow-up of a start before anything is sent, when its end is not known yet. It is planned for
 * after the shortest life that this process has seen on the channel: an earlier follow-up would only be planned
 * again. If this start lives shorter, it is brought forward.
 *
 * With notifications it comes early, for one that was received before the record was written.
 */
export function planFirstFollowUp(
  deps: Clock & Outbox,
  channel: ChannelDefinition<unknown>,
  id: string,
): FirstFollowUp {
  const { followUps, shortestLifeMs, now } = deps;
  const knownMs = shortestLifeMs.get(channel) ?? Infinity;
  const waitMs = channel.notification || knownMs === Infinity ? 0 : knownMs + slackMs;
  const atMs = now() + Math.max(startIsOverMs, waitMs);
  return {
    planned: followUps.plan(id, atMs),
    correct: async (started) => {
      if (started.status !== 'PENDING') return;
      const endsMs = graceEndsMs(started, channel.graceSeconds);
      const shortestMs = shortestLifeMs.get(channel) ?? Infinity;
      shortestLifeMs.set(channel, Math.min(shortestMs, endsMs - started.createdAtMs));
      const neededMs = Math.max(endsMs, started.createdAtMs + startIsOverMs) + slackMs;
      if (atMs > neededMs) await followUps.bringForward(id, neededMs);
    },
  };
}
