import type { FaultKind, ProviderFault } from '../../contract/index.ts';
import type { LogEventName } from '../../ports/index.ts';
import type { Telemetry, Upstream } from '../core-deps.ts';
import { toldAccount } from './registry.ts';

/** Faults that a person must act on, and the events that tell of them. */
const events = {
  credentials: 'provider_misconfigured',
  misconfigured: 'provider_misconfigured',
  quota_exhausted: 'provider_money_used_up',
} as const satisfies Partial<Record<FaultKind, LogEventName>>;

/**
 * Logs once when the provider begins to refuse the calls of an action for a reason that a person must remove, and once
 * when a call succeeds again. `fault` is null after a call that succeeded.
 */
export function noteAccountTrouble(
  { log, accountTroubles: troubles }: Pick<Telemetry, 'log'> & Pick<Upstream, 'accountTroubles'>,
  {
    provider,
    account,
    action,
    key,
  }: {
    readonly provider: string;
    readonly account: string;
    readonly action: string;
    /** See `actionKey`. */
    readonly key: string;
  },
  fault: ProviderFault | null,
): void {
  const about = { provider, account: toldAccount(account), action };
  if (!fault) {
    if (troubles.delete(key)) log.event('warn', 'provider_recovered', about);
    return;
  }
  const event = isTrouble(fault.kind) ? events[fault.kind] : null;
  if (event === null) return;
  const { providerCode } = fault;
  const trouble = `${event} ${providerCode ?? ''}`;
  if (troubles.get(key) === trouble) return;
  troubles.set(key, trouble);
  log.event('error', event, { ...about, providerCode });
}

function isTrouble(kind: FaultKind): kind is keyof typeof events {
  return Object.hasOwn(events, kind);
}
