import type { CallDeps } from '../core-deps.ts';
import { ProviderFault, type ProviderCall } from '../../contract/index.ts';
import { logBug } from '../log-bug.ts';
import { withTimeout } from '../with-timeout.ts';
import { keepJournal } from './call-journal.ts';
import { callProvider } from './call-provider.ts';
import type { CallTerms } from './call-terms.ts';
import type { RegisteredProvider } from './registry.ts';

/** A start or a check of a plugin, which may be charged. */
export interface Operation<Answer> {
  /** For the log. */
  readonly name: string;
  readonly effect: 'free_start' | 'may_charge';
  readonly work: (call: ProviderCall<unknown>) => Promise<Answer>;
}

/**
 * Runs an operation of a plugin. Its error claims no more than its calls have proven (`call-journal.ts`),
 * whatever the plugin catches, combines, repeats or throws itself.
 *
 * Throws `ProviderFault`, `LimiterRefusal`, `StoreUnavailable` or what `terms.beforeSend` threw. Throws a bug
 * of the plugin unchanged if no chargeable call was started.
 */
export async function performOperation<Answer>(
  deps: CallDeps,
  provider: RegisteredProvider,
  terms: CallTerms,
  { name, effect, work }: Operation<Answer>,
): Promise<Answer> {
  const journal = keepJournal(effect);
  const call = callProvider(deps, provider, terms, journal);
  try {
    return await withTimeout(terms.deadlineMs - deps.now(), work(call), () => {
      // A plugin that never settles must not hold its key and its lock forever.
      throw new ProviderFault('timeout');
    });
  } catch (error) {
    const proven = journal.conclude(error);
    if (proven.isBug) logBug(deps.log, name, error);
    throw proven.error;
  } finally {
    journal.close();
  }
}
