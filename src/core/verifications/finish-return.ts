import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import { openCapability } from '../records/capability.ts';
import type { OutcomeDeps } from '../core-deps.ts';
import type { PageLanguage } from '../tenants/tenant-rules.ts';
import { decodeRecord, isRecordId, type VerificationRecord } from '../records/records.ts';
import { browserProof } from './hand-off.ts';
import { refreshVerification } from './refresh-verification.ts';

/** How long the person waits for the redirect while the provider is polled. */
const pollWithinMs = 3000;

export type ReturnTarget =
  | { readonly kind: 'redirect'; readonly url: string }
  | {
      readonly kind: 'page';
      readonly page: 'done' | 'link_invalid' | 'try_later';
      /** Of the tenant, if it is known. */
      readonly languages?: readonly PageLanguage[];
    };

/**
 * The target for a browser that comes back from the provider. Refreshes the outcome, and then returns the
 * caller's URL with `verificationId`. Parameters of the provider are not passed on. `browser`: what a handoff left in the
 * browser, see `browserProof`.
 */
export async function finishReturn(
  deps: OutcomeDeps,
  capability: string,
  browser: string | null = null,
): Promise<ReturnTarget> {
  const opened = openCapability(deps.hashKeys, 'return', capability, deps.now());
  if (!opened || !isRecordId('verification', opened.recordId)) {
    return { kind: 'page', page: 'link_invalid' };
  }
  deps.scopes.concerns(opened.recordId);
  try {
    const [stored] = await deps.store.records.get([opened.recordId]);
    if (!stored) return { kind: 'page', page: 'link_invalid' };
    const record = await refreshed(deps, stored);
    // On another device, the caller's page would not know the person.
    const isElsewhere = browser === browserProof(deps, record.id);
    if (record.redirectUrl === null || isElsewhere) {
      const { languages } = deps.tenants.rulesOf(record.tenantId);
      return { kind: 'page', page: 'done', languages };
    }
    return { kind: 'redirect', url: withVerificationId(record.redirectUrl, record.id) };
  } catch (error) {
    if (error instanceof StoreUnavailable) return { kind: 'page', page: 'try_later' };
    throw error;
  }
}

/** The person is redirected even if the outcome cannot be learnt or stored now. */
async function refreshed(deps: OutcomeDeps, stored: StoredRecord): Promise<VerificationRecord> {
  try {
    return await refreshVerification(deps, stored, deps.now() + pollWithinMs, 'came_back');
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return decodeRecord('verification', stored);
  }
}

/** Appends to the query as text, because setting a parameter would re-encode the caller's own query. */
function withVerificationId(redirectUrl: string, id: string): string {
  const url = new URL(redirectUrl);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}verificationId=${id}`;
  return url.href;
}
