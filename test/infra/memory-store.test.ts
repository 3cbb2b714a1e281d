import { createMemoryStore } from '../../src/infra/memory/memory-store.ts';
import { describeStore } from '../support/store-contract.ts';

describeStore('memory store', async () => {
  let nowMs = 1_800_000_000_000;
  const entries: string[] = [];
  const store = createMemoryStore({
    now: () => nowMs,
    onEntry: ({ kind, recordId }) => entries.push(`${kind} ${recordId ?? ''}`),
  });
  return {
    store,
    pass: async (ms) => {
      nowMs += ms;
    },
    entries: async () => entries,
    end: () => store.close(),
  };
});
