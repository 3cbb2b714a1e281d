import { ProviderFault, type ActionEffect } from '../../contract/index.ts';
import { LimiterRefusal, StoreUnavailable } from '../../ports/index.ts';
import type { ClaimEffect } from './claim-effect.ts';
import { faultPolicies } from './fault-policy.ts';

/** Records the calls of one operation. Each call passes through the methods from first to last. */
export interface CallJournal {
  /** Before anything else. Throws if this operation may not make such a call. */
  readonly begin: (called: ActionEffect) => void;
  /** Right before the first byte is sent. Throws if the operation is over. */
  readonly sending: (called: ActionEffect) => void;
  readonly answered: (called: ActionEffect) => void;
  readonly failed: (called: ActionEffect, fault: ProviderFault) => void;
  /** After the last attempt of a call, however it ended. */
  readonly ended: (called: ActionEffect) => void;
  /** Whether a chargeable call got its response. */
  readonly isPaid: () => boolean;
  /** Whether the call that starts something got its response. */
  readonly hasStarted: () => boolean;
}

/** A journal that tells what the failure of its operation proves. */
export interface OperationJournal extends CallJournal {
  /** No call may begin or be sent from now on. */
  readonly close: () => void;
  /**
   * The error to throw in place of `error`. It claims no more than the calls have proven. `isBug`: `error` is a
   * bug of the plugin, and another error is thrown in its place.
   */
  readonly conclude: (error: unknown) => { readonly error: unknown; readonly isBug: boolean };
}

/** For polls of an outcome. Only reads are allowed, because a poll can be repeated without limit. */
export const readsOnly: CallJournal = {
  begin: (called) => {
    if (called !== 'read') throw new Error('asking for an outcome must only read');
  },
  sending: () => {},
  answered: () => {},
  failed: () => {},
  ended: () => {},
  isPaid: () => false,
  hasStarted: () => false,
};

/** For an operation whose strongest call has this effect. */
export function keepJournal(effect: ClaimEffect): OperationJournal {
  let isBegun = false;
  let wasSent = false;
  let isUnderWay = false;
  let isPaid = false;
  let hasStarted = false;
  let isOver = false;
  let lost: ProviderFault | null = null;

  return {
    begin: (called) => {
      // A fallback may have started by now.
      if (isOver) throw new Error('the operation is over');
      if (called === 'may_charge' && effect !== 'may_charge') {
        throw new Error('an operation that is declared as free calls an action that may charge');
      }
      // A second call could end as not sent, and so free a key whose first call was sent.
      if (isBegun && called !== 'read' && effect === 'may_charge') {
        throw new Error('a call that may be charged is the last one that does anything');
      }
      isBegun ||= called === effect;
    },
    sending: (called) => {
      if (isOver) throw new ProviderFault('not_sent');
      wasSent ||= called === effect;
      isUnderWay ||= called === 'may_charge';
    },
    answered: (called) => {
      isPaid ||= called === 'may_charge';
      hasStarted ||= called === effect;
    },
    failed: (called, fault) => {
      const isUnknown = faultPolicies[effect][fault.kind].claim === 'unknown';
      if (called === effect && isUnknown) lost = fault;
    },
    ended: (called) => {
      isUnderWay &&= called !== 'may_charge';
    },
    isPaid: () => isPaid,
    hasStarted: () => hasStarted,
    close: () => {
      isOver = true;
    },
    conclude: (error) => {
      const tell = (told: unknown) => ({ error: told, isBug: false });
      // The plugin gave up while its call was still running.
      if (isUnderWay) return tell(new ProviderFault('timeout'));
      // If a response was lost, the result is unknown, whatever the plugin throws.
      if (lost !== null) return tell(lost);
      // After a chargeable call got its response, no error may claim that nothing was done.
      if (isPaid) return tell(isUnknownFault(error) ? error : new ProviderFault('protocol'));
      if (effect !== 'may_charge') return tell(error);
      if (isBegun && !isExpected(error)) {
        return { error: new ProviderFault('protocol'), isBug: true };
      }
      if (!wasSent && isUnknownFault(error)) {
        // Only reads and free calls were sent, so nothing chargeable was done.
        const { providerCode, providerRequestId } = error;
        return tell(new ProviderFault('not_sent', { providerCode, providerRequestId }));
      }
      return tell(error);
    },
  };
}

function isUnknownFault(error: unknown): error is ProviderFault {
  return error instanceof ProviderFault && faultPolicies.may_charge[error.kind].claim === 'unknown';
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof ProviderFault ||
    error instanceof LimiterRefusal ||
    error instanceof StoreUnavailable
  );
}
