import type { AnyProvider } from '../contract/index.ts';
import type { Caller } from '../core/callers/caller.ts';
import type { KeySpace, Providers, Tenancy } from '../core/core-deps.ts';
import { offerOf } from '../core/tenants/offer-of.ts';
import { findOf, type RegisteredProvider } from '../core/upstream/registry.ts';

/** A provider, as a caller may use it or as a record was made with it. */
export interface ProviderRef {
  readonly id: string;
  /** Null if its plugin is no longer loaded. */
  readonly loaded: RegisteredProvider | null;
  /** With the account for one channel. */
  readonly forChannel: (channel: string) => RegisteredProvider | null;
}

type Deps = Pick<Providers, 'registry'> & KeySpace & Tenancy;

/** The provider of a record. */
export function providerRef(
  { registry }: Pick<Providers, 'registry'>,
  record: { readonly providerId: string; readonly account: string },
): ProviderRef {
  const loaded = findOf(registry, record) ?? null;
  return { id: record.providerId, loaded, forChannel: () => loaded };
}

/** All providers, as a caller's tenant may use them. */
export function providerRefs(deps: Deps, caller: Caller): readonly ProviderRef[] {
  return deps.registry.all.map(({ definition: { id } }) => ({
    id,
    loaded: forUse(deps, caller, id, ({ channels, actions }) => [
      ...Object.keys(channels),
      ...Object.keys(actions),
    ]),
    forChannel: (channel) =>
      forUse(deps, caller, id, ({ channels }) => [channel, channels[channel]?.action ?? channel]),
  }));
}

function forUse(
  deps: Deps,
  { tenantId, userId }: Caller,
  provider: string,
  uses: (definition: AnyProvider) => readonly string[],
): RegisteredProvider | null {
  const offer = offerOf(deps, { tenantId, userId, account: null, provider, uses });
  return 'path' in offer ? null : (offer.find(provider) ?? null);
}
