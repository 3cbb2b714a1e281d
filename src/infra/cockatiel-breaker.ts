import {
  bulkhead,
  BrokenCircuitError,
  BulkheadRejectedError,
  CircuitState,
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
  type BulkheadPolicy,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { ProviderFault, type FaultKind } from '../contract/index.ts';
import { MissedTurn, type Breaker } from '../ports/index.ts';

const halfOpenAfterMs = 5000;
/** The limit of concurrent calls per action, so that a slow provider cannot take all sockets and memory. */
const mostAtOnce = 300;

/** Faults that show that the provider is in trouble. A refusal of one request does not. */
const countsAsTrouble = {
  not_sent: true,
  internal: true,
  timeout: true,
  connection_lost: true,
  protocol: true,
  throttled: false,
  busy: false,
  credentials: false,
  misconfigured: false,
  quota_exhausted: false,
  rejected: false,
  session_expired: false,
  session_unknown: false,
} as const satisfies Record<FaultKind, boolean>;

interface Deps {
  readonly now: () => number;
  /** The number of consecutive faults that open the breaker. */
  readonly faultsToOpen: number;
  /** Called once when the breaker of an action opens, and once when it closes. */
  readonly onChange?: (key: string, state: 'opened' | 'closed') => void;
}

/**
 * One circuit breaker and one bulkhead per provider action. Consecutive faults open the breaker; one
 * successful probe closes it. The bulkhead keeps a slow provider from taking resources that others need.
 */
export function createCockatielBreaker({ now, faultsToOpen, onChange = () => {} }: Deps): Breaker {
  const policies = new Map<string, CircuitBreakerPolicy>();
  const openedMs = new Map<string, number>();
  const bulkheads = new Map<string, BulkheadPolicy>();

  function policyOf(key: string): CircuitBreakerPolicy {
    const known = policies.get(key);
    if (known) return known;
    const policy = circuitBreaker(
      handleWhen((error) => error instanceof ProviderFault && countsAsTrouble[error.kind]),
      { halfOpenAfter: halfOpenAfterMs, breaker: new ConsecutiveBreaker(faultsToOpen) },
    );
    policy.onBreak(() => {
      // A probe that failed opens it again, which is no change.
      if (!openedMs.has(key)) onChange(key, 'opened');
      openedMs.set(key, now());
    });
    policy.onReset(() => {
      if (openedMs.delete(key)) onChange(key, 'closed');
    });
    policies.set(key, policy);
    return policy;
  }

  function bulkheadOf(key: string): BulkheadPolicy {
    const known = bulkheads.get(key) ?? bulkhead(mostAtOnce);
    bulkheads.set(key, known);
    return known;
  }

  return {
    run: async (key, work) => {
      const policy = policyOf(key);
      // While half open, cockatiel lets all calls wait for the probe and then sends them at once, past
      // their slots.
      if (policy.state === CircuitState.HalfOpen) throw new ProviderFault('not_sent');
      try {
        const isProbe = policy.state !== CircuitState.Closed;
        return await bulkheadOf(key).execute(() =>
          policy.execute(isProbe ? () => orNotSent(work) : work),
        );
      } catch (error) {
        if (error instanceof BulkheadRejectedError) throw new ProviderFault('not_sent');
        if (!(error instanceof BrokenCircuitError)) throw error;
        throw new ProviderFault('not_sent', { retryAfterMs: halfOpenAfterMs });
      }
    },
    // Cockatiel keeps the state Open until the next call. After the pause a probe is allowed.
    isOpen: (key) => {
      const state = policies.get(key)?.state;
      const isPause = now() - (openedMs.get(key) ?? 0) < halfOpenAfterMs;
      return state === CircuitState.HalfOpen || (state === CircuitState.Open && isPause);
    },
  };
}

/**
 * A probe that was not sent proves nothing. Cockatiel would count an error other than `ProviderFault` as a
 * success.
 */
async function orNotSent<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof MissedTurn ? new ProviderFault('not_sent') : error;
  }
}
