import { ProviderFault, type ProviderCall } from '../../contract/index.ts';
import { LimiterRefusal, StoreUnavailable } from '../../ports/index.ts';
import { callProvider, type CallProviderDeps, type CallTerms } from './call-provider.ts';
import { faultPolicies } from './fault-policy.ts';
import { logBug } from '../log-bug.ts';
import { withTimeout } from '../with-timeout.ts';
import type { RegisteredProvider } from './registry.ts';

/** What a plugin does of which the outcome decides about money. */
export interface Operation<Answer> {
  /** For the log. */
  readonly name: string;
  readonly effect: 'free_start' | 'may_charge';
  readonly work: (call: ProviderCall<unknown>) => Promise<Answer>;
}

/**
 * Lets a plugin work, and says of its failure no more than its calls have proven: whatever it catches,
 * joins, repeats or throws itself, an answer that was lost stays lost, and what was paid for stays paid
 * for. What prepares the call that matters is never charged, so its failure leaves nothing behind.
 *
 * Throws `ProviderFault`, `LimiterRefusal`, `StoreUnavailable` or what `terms.beforeSend` threw; a bug of
 * the plugin as it is, as long as nothing that may be charged was begun.
 */
export async function performOperation<Answer>(
  deps: CallProviderDeps,
  provider: RegisteredProvider,
  terms: CallTerms,
  { name, effect, work }: Operation<Answer>,
): Promise<Answer> {
  let isBegun = false;
  let isUnderWay = false;
  let isPaid = false;
  let isOver = false;
  let lost: ProviderFault | null = null;

  const call = callProvider(deps, provider, {
    ...terms,
    onCall: (called) => {
      // The operation is over: a fallback may be at work already.
      if (isOver) throw new Error('the operation is over');
      if (called === 'may_charge' && effect !== 'may_charge') {
        throw new Error('an operation that is declared as free calls an action that may charge');
      }
      // A second one could end in "not sent" and free a key whose first call was sent.
      if (isBegun && called !== 'read' && effect === 'may_charge') {
        throw new Error('a call that may be charged is the last one that does anything');
      }
      isBegun ||= called === effect;
      isUnderWay ||= called === 'may_charge';
    },
    onEnd: (called) => {
      isUnderWay &&= called !== 'may_charge';
    },
    beforeSend: async (called) => {
      if (called === effect) lost = null;
      await terms.beforeSend?.(called);
      if (isOver) throw new ProviderFault('not_sent');
    },
    onFault: (fault, called) => {
      const isUnknown = faultPolicies[effect][fault.kind].claim === 'unknown';
      if (called === effect && isUnknown) lost = fault;
    },
    onAnswer: (called) => {
      isPaid ||= called === 'may_charge';
    },
  });

  try {
    return await withTimeout(terms.deadlineMs - deps.now(), work(call), () => {
      // A plugin that never ends must not hold its key and its lock for ever.
      throw new ProviderFault('timeout');
    });
  } catch (error) {
    if (isUnderWay) throw new ProviderFault('timeout');
    if (lost !== null) throw lost;
    if (isPaid) throw isFaultOf('unknown', error) ? error : new ProviderFault('protocol');
    const isExpected =
      error instanceof ProviderFault ||
      error instanceof LimiterRefusal ||
      error instanceof StoreUnavailable;
    if (effect === 'may_charge' && isBegun && !isExpected) {
      logBug(deps.log, name, error);
      throw new ProviderFault('protocol');
    }
    if (effect === 'may_charge' && !isBegun && isFaultOf('unknown', error)) {
      const { providerCode, providerRequestId } = error;
      throw new ProviderFault('not_sent', { providerCode, providerRequestId });
    }
    throw error;
  } finally {
    isOver = true;
  }
}

function isFaultOf(claim: 'unknown' | 'release', error: unknown): error is ProviderFault {
  return error instanceof ProviderFault && faultPolicies.may_charge[error.kind].claim === claim;
}
