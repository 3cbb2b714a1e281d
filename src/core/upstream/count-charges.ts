import type { AnyProvider } from '../../contract/index.ts';
import type { Telemetry } from '../core-deps.ts';
import type { RecordedCall } from '../records/recorded-call.ts';

/** Counts the calls of an operation that may cost money, when it is known what each of them cost. */
export function countCharges(
  { metrics }: Pick<Telemetry, 'metrics'>,
  { id: provider, actions }: AnyProvider,
  tenant: string,
  calls: readonly RecordedCall[],
): void {
  for (const { action, billing } of calls) {
    if (actions[action]?.effect !== 'may_charge') continue;
    metrics.chargeableCall({ provider, action, tenant, billing });
  }
}
