import type { Log } from '../../ports/index.ts';
import type { RedisFault } from './redis-fault.ts';

/** What is known about the server now, told once per change. */
export interface RedisState {
  /** Null while it works. */
  readonly fault: () => RedisFault | null;
  readonly failed: (fault: RedisFault) => void;
  readonly works: () => void;
}

/** Logs one event per change, with the class of the fault only: an address may hold a password. */
export function watchRedisState(log: Log): RedisState {
  let current: RedisFault | null = null;
  return {
    fault: () => current,
    failed: (fault) => {
      if (fault === current) return;
      current = fault;
      log.event('error', 'store_down', { reason: fault });
    },
    works: () => {
      if (current === null) return;
      current = null;
      log.event('warn', 'store_up', {});
    },
  };
}
