import type { Log } from '../../ports/index.ts';
import type { RedisFault } from './redis-fault.ts';

/** What is known about the server now, told once per change. */
export interface RedisState {
  /** Null while it works. */
  readonly fault: () => RedisFault | null;
  readonly failed: (fault: RedisFault) => void;
  readonly works: () => void;
  /** Whether the server evicts keys. It then counts as down, although it works. */
  readonly evicts: (isSo: boolean) => void;
}

/** Faults that any broken connection may cause. */
const vague: readonly RedisFault[] = ['timeout', 'refused'];
/** For how long a more specific fault takes precedence over these. */
const standsForMs = 10_000;

/** Logs one event per change, with the class of the fault only: an address may hold a password. */
export function watchRedisState(log: Log, now: () => number = () => performance.now()): RedisState {
  let failing: RedisFault | null = null;
  let failedMs = -Infinity;
  let isEvicting = false;
  let told: RedisFault | null = null;
  const tell = (): void => {
    const current = failing ?? (isEvicting ? 'evicting' : null);
    if (current === told) return;
    told = current;
    if (current === null) log.event('warn', 'store_up', {});
    else log.event('error', 'store_down', { reason: current });
  };
  return {
    fault: () => told,
    failed: (fault) => {
      const isVaguer = failing !== null && fault !== failing && vague.includes(fault);
      if (isVaguer && now() - failedMs < standsForMs) return;
      failing = fault;
      failedMs = now();
      tell();
    },
    works: () => {
      if (failing === null) return;
      failing = null;
      tell();
    },
    evicts: (isSo) => {
      isEvicting = isSo;
      tell();
    },
  };
}
