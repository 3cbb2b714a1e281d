import type { AnyProvider } from '../../contract/index.ts';
import type { Telemetry } from '../core-deps.ts';
import type { RecordedCall } from '../records/recorded-call.ts';
import type { CallTerms } from './call-terms.ts';

/** Counts the calls of an operation that may cost money, when it is known what each of them cost. */
export function countCharges(
  { metrics }: Pick<Telemetry, 'metrics'>,
  { onCharge }: Pick<CallTerms, 'onCharge'>,
  { id: providerId, actions }: AnyProvider,
  tenant: string,
  calls: readonly RecordedCall[],
): void {
  for (const { action, billing, atMs, requestId } of calls) {
    if (actions[action]?.effect !== 'may_charge') continue;
    metrics.chargeableCall({ provider: providerId, action, tenant, billing });
    onCharge?.({ providerId, action, billing, atMs, requestId });
  }
}
