import type { Providers } from '../core/core-deps.ts';
import type { RegisteredProvider } from '../core/upstream/registry.ts';

/** A provider. `loaded` is null if its plugin is no longer loaded. */
export type ProviderRef =
  | { readonly id: string; readonly loaded: RegisteredProvider }
  | { readonly id: string; readonly loaded: null };

export function providerRef({ registry }: Pick<Providers, 'registry'>, id: string): ProviderRef {
  return { id, loaded: registry.find(id) ?? null };
}
