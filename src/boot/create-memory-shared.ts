import { toEvent } from '../core/ledger/to-event.ts';
import { logBug } from '../core/log-bug.ts';
import { createListeners } from '../infra/event-listeners.ts';
import { createMemoryFollowUps } from '../infra/memory/memory-follow-ups.ts';
import { createMemoryPacer } from '../infra/memory/memory-pacer.ts';
import { createMemoryStore } from '../infra/memory/memory-store.ts';
import { createMemoryVelocity } from '../infra/memory/memory-velocity.ts';
import { StoreUnavailable } from '../ports/index.ts';
import type { Config } from './config.ts';
import type { Clocks, Shared, SharedTelemetry } from './create-shared.ts';

export function createMemoryShared(
  { limitGuardMs: guardMs }: Config,
  { now, steadyNow }: Clocks,
  { log }: SharedTelemetry,
): Shared {
  const followUps = createMemoryFollowUps({
    now,
    onError: (error) => {
      if (!(error instanceof StoreUnavailable)) logBug(log, 'follow-up', error);
    },
  });
  // Without Redis no other process can read events.
  const listeners = createListeners();
  return {
    store: createMemoryStore({
      now,
      onEntry: (entry) => {
        const event = toEvent(entry);
        if (event) listeners.tell(event.recordId);
      },
    }),
    pacer: createMemoryPacer({ now: steadyNow, guardMs }),
    velocity: createMemoryVelocity({ now }),
    followUps,
    publish: async ({ recordId }) => listeners.tell(recordId),
    events: { listen: async (recordId, listener) => listeners.add(recordId, listener) },
    ledgerState: async () => null,
    webhookCounts: async () => [],
    storeRoundTripMs: () => null,
    storeFault: () => null,
    close: followUps.close,
  };
}
