import { ProviderFault, type ProviderCall } from '../../contract/index.ts';
import { LimiterRefusal } from '../../ports/index.ts';
import type { CallDeps, Upstream } from '../core-deps.ts';
import type { CallJournal } from './call-journal.ts';
import type { CallTerms } from './call-terms.ts';
import { faultPolicies } from './fault-policy.ts';
import { actionKey, quotaOf, type RegisteredProvider } from './registry.ts';
import { sendInTurn, type TurnedCall } from './send-in-turn.ts';

/** The pause after the provider's rate limit refused a call, if the response names none. */
const backOffMs = 1000;
const mostReadsAfterPayment = 2;

/**
 * The only way for a plugin to call its provider. It adds limiter, breaker, deadline, byte cap, one log line
 * and one metric per call. Throws `ProviderFault`, `LimiterRefusal` or what `terms.beforeSend` threw.
 */
export function callProvider<Settings>(
  deps: CallDeps,
  provider: RegisteredProvider,
  terms: CallTerms,
  journal: CallJournal,
): ProviderCall<Settings> {
  const { definition } = provider;
  return {
    // The registry pairs each definition with settings that its own schema has parsed.
    settings: provider.settings as Settings,
    now: deps.now,
    sleep: async (ms) => {
      if (deps.now() + ms >= terms.deadlineMs) throw new ProviderFault('timeout');
      await deps.sleep(ms);
    },
    accessToken: (name, fetch) => deps.accessTokens.get(provider, name, fetch),
    send: async (call) => {
      const action = Object.hasOwn(definition.actions, call.action)
        ? definition.actions[call.action]
        : undefined;
      if (!action) throw new Error(`${definition.id} has no action ${call.action}`);
      const quota = quotaOf(provider, call.action);
      const key = actionKey(provider, call.action);
      const { accountName: account } = provider;
      const turned = { definition, account, action, call, key, quota, terms, journal };
      journal.begin(action.effect);
      deps.retryBudget.earn(key);
      try {
        return await sendWithRetry(deps, provider, turned);
      } finally {
        journal.ended(action.effect);
      }
    },
  };
}

/** Sends a call, and sends it again if that can neither be charged twice nor change what is proven. */
async function sendWithRetry<T>(
  deps: CallDeps,
  provider: RegisteredProvider,
  turned: TurnedCall<T>,
): Promise<T> {
  const { action, call, journal } = turned;
  const attempt = { wasMade: false, isLast: action.retryableCodes === undefined };
  try {
    return await sendInTurn(deps, turned, attempt);
  } catch (error) {
    // A read after a chargeable call is retried. Its failure never counts as "nothing was done".
    if (journal.isPaid() && action.effect === 'read') return await readAfterPayment(deps, turned);
    // Something was started, so this is no limit that a repeated start could wait for.
    if (error instanceof LimiterRefusal && journal.hasStarted()) throw new ProviderFault('timeout');
    if (!(error instanceof ProviderFault)) throw error;
    await noteFault(deps, provider, turned, error);
    if (!mayRetry(deps, turned, error, attempt.wasMade)) throw error;
    await call.renew?.().catch(() => {
      throw error;
    });
    return await sendInTurn(deps, turned, { wasMade: false, isLast: true });
  }
}

async function readAfterPayment<T>(deps: CallDeps, turned: TurnedCall<T>): Promise<T> {
  const { deadlineMs } = turned.terms;
  for (let time = 0; time < mostReadsAfterPayment && deps.now() < deadlineMs; time++) {
    try {
      return await sendInTurn(deps, turned, { wasMade: false, isLast: true });
    } catch {
      // The next read may succeed.
    }
  }
  throw new ProviderFault('protocol');
}

async function noteFault(
  { limiter, accessTokens }: Upstream,
  provider: RegisteredProvider,
  { quota }: TurnedCall<unknown>,
  { kind, retryAfterMs }: ProviderFault,
): Promise<void> {
  // The account is over its rate limit, so the other replicas must back off too.
  if (kind === 'throttled') void limiter.backOff(quota.key, retryAfterMs ?? backOffMs);
  // Perhaps only the token was refused. The next operation fetches a new one.
  if (kind === 'credentials') await accessTokens.forget(provider);
}

function mayRetry<T>(
  { retryBudget }: Pick<Upstream, 'retryBudget'>,
  { action, key }: TurnedCall<T>,
  { kind, providerCode }: ProviderFault,
  wasMade: boolean,
): boolean {
  const isRetryableCode =
    providerCode !== undefined &&
    action.retryableCodes?.includes(providerCode) === true &&
    faultPolicies.may_charge[kind].claim === 'release';
  // Nothing was sent, for example because a connection was being replaced, so a retry is safe.
  return isRetryableCode || (wasMade && kind === 'not_sent' && retryBudget.spend(key));
}
