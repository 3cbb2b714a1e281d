import {
  BrokenCircuitError,
  CircuitState,
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { ProviderFault, type Breaker, type FaultKind } from '../contract/index.ts';

const halfOpenAfterMs = 5000;

/** Which faults say that the provider is in trouble. A refusal of one request does not. */
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
  /** Faults in a row. */
  readonly faultsToOpen: number;
}

/** One circuit breaker per provider action: faults in a row open it, one probe closes it. */
export function createCockatielBreaker({ now, faultsToOpen }: Deps): Breaker {
  const policies = new Map<string, CircuitBreakerPolicy>();
  const openedMs = new Map<string, number>();

  function policyOf(key: string): CircuitBreakerPolicy {
    const known = policies.get(key);
    if (known) return known;
    const policy = circuitBreaker(
      handleWhen((error) => error instanceof ProviderFault && countsAsTrouble[error.kind]),
      { halfOpenAfter: halfOpenAfterMs, breaker: new ConsecutiveBreaker(faultsToOpen) },
    );
    policy.onBreak(() => openedMs.set(key, now()));
    policies.set(key, policy);
    return policy;
  }

  return {
    run: async (key, work) => {
      const policy = policyOf(key);
      // Cockatiel would let everybody wait for the probe and then send all at once, past any slot.
      if (policy.state === CircuitState.HalfOpen) throw new ProviderFault('not_sent');
      try {
        return await policy.execute(work);
      } catch (error) {
        if (!(error instanceof BrokenCircuitError)) throw error;
        throw new ProviderFault('not_sent', { retryAfterMs: halfOpenAfterMs });
      }
    },
    // Cockatiel leaves the state at Open until somebody tries: past the pause a probe is welcome.
    isOpen: (key) => {
      const state = policies.get(key)?.state;
      const isPause = now() - (openedMs.get(key) ?? 0) < halfOpenAfterMs;
      return state === CircuitState.HalfOpen || (state === CircuitState.Open && isPause);
    },
  };
}
