import { ProviderFault } from '../../contract/index.ts';
import type { Telemetry } from '../core-deps.ts';
import type { RecordedCall } from '../records/recorded-call.ts';
import { provesNothingDone } from '../claims/to-failure.ts';
import type { CallTerms } from './call-terms.ts';
import type { RegisteredProvider } from './registry.ts';

export interface EndedCalls {
  readonly tenant: string;
  /** The provider's action that starts or checks. */
  readonly action: string;
  readonly calls: readonly RecordedCall[];
  /** Null if the operation has succeeded. */
  readonly error: unknown;
  readonly nowMs: number;
}

/**
 * Counts the calls of an operation that may cost money, when it is known what each of them cost.
 *
 * `error`: how the operation ended. If it proves that a call may have been charged, and none of the calls that have ended
 * is that one, then `action` is still under way: its operation was over before it.
 */
export function countCharges(
  { metrics }: Pick<Telemetry, 'metrics'>,
  { onCharge }: Pick<CallTerms, 'onCharge'>,
  { definition: { id: providerId, actions }, accountName: account }: RegisteredProvider,
  { tenant, action: startedAction, calls, error, nowMs }: EndedCalls,
): void {
  const chargeable = calls.filter(({ action }) => actions[action]?.effect === 'may_charge');
  const isLost = actions[startedAction]?.effect === 'may_charge' && isUnknownOutcome(error);
  const isUnderWay = isLost && chargeable.every(({ billing }) => billing === 'NOT_CHARGED');
  const underWay = {
    action: startedAction,
    billing: 'UNKNOWN',
    atMs: nowMs,
    requestId: null,
  } as const;
  for (const { action, billing, atMs, requestId } of isUnderWay
    ? [...chargeable, underWay]
    : chargeable) {
    metrics.chargeableCall({ provider: providerId, account, action, tenant, billing });
    onCharge?.({ providerId, account, action, billing, atMs, requestId });
  }
}

/** A bug of a plugin is one only before a chargeable call has begun: `performOperation`. */
function isUnknownOutcome(error: unknown): boolean {
  return error instanceof ProviderFault && !provesNothingDone(error);
}
