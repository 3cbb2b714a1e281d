import { createMemoryStore } from '../../src/infra/memory/memory-store.ts';
import { describeStore } from '../support/store-contract.ts';

describeStore('memory store', async () => {
  let nowMs = 1_800_000_000_000;
  const store = createMemoryStore({ now: () => nowMs });
  return {
    store,
    pass: async (ms) => {
      nowMs += ms;
    },
    end: () => store.close(),
  };
});
