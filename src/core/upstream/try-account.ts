import { ProviderFault } from '../../contract/index.ts';
import type { CallDeps } from '../core-deps.ts';
import { readsOnly } from './call-journal.ts';
import { callProvider } from './call-provider.ts';
import type { RegisteredProvider } from './registry.ts';

const withinMs = 8000;

/**
 * Whether the provider accepts the credentials of an account, by a free read. Null if its plugin has none, or if the answer
 * does not tell.
 */
export async function tryAccount(
  deps: CallDeps,
  account: RegisteredProvider,
): Promise<boolean | null> {
  const { tryCredentials } = account.definition;
  if (!tryCredentials) return null;
  const deadlineMs = deps.now() + withinMs;
  const terms = { priority: 'result', deadlineMs, beforeSend: [] } as const;
  try {
    // Under a name of its own, so that a refusal does not count as a fault of the credentials in use.
    const tried = { ...account, accountName: `${account.accountName}+new` };
    await tryCredentials(callProvider(deps, tried, terms, readsOnly));
    return true;
  } catch (error) {
    if (!(error instanceof ProviderFault)) return null;
    if (error.kind === 'credentials') return false;
    // Only an answer about the request itself shows that the credentials were accepted.
    return error.kind === 'rejected' || error.kind.startsWith('session') ? true : null;
  }
}
