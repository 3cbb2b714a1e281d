import { AsyncLocalStorage } from 'node:async_hooks';
import type { OperationScope, OperationScopes, WaitWatch } from '../ports/index.ts';
import { randomBytes } from './random-bytes.ts';

/**
 * Operations over `AsyncLocalStorage`, which Node 24 carries through every `await` without hooks. Code that queues
 * callbacks by itself must bind them (`AsyncResource.bind`): Bottleneck gave two of three queued jobs the scope of
 * another request (2.19.5, 2026-11-25).
 */
export function createOperationScopes(): OperationScopes {
  const storage = new AsyncLocalStorage<OpenScope>();
  return {
    run: (origin, work) => {
      const operation = `op_${randomBytes(16).toString('base64url')}`;
      const scope: OpenScope = {
        ...origin,
        operation,
        record: null,
        waits: { queue: createWaitWatch(), store: createWaitWatch(), upstream: createWaitWatch() },
      };
      return storage.run(scope, work);
    },
    current: () => storage.getStore(),
    concerns: (recordId) => {
      const scope = storage.getStore();
      if (scope) scope.record = recordId;
    },
  };
}

interface OpenScope extends OperationScope {
  record: string | null;
}

function createWaitWatch(): WaitWatch {
  let open = 0;
  let sinceMs = 0;
  let totalMs = 0;
  return {
    begin: () => {
      if (open === 0) sinceMs = performance.now();
      open += 1;
    },
    end: () => {
      open -= 1;
      if (open === 0) totalMs += performance.now() - sinceMs;
    },
    totalMs: () => totalMs + (open > 0 ? performance.now() - sinceMs : 0),
  };
}
