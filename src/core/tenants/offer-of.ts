import type { AnyProvider, FieldProblem } from '../../contract/index.ts';
import { modeOf, type KeySpace, type Providers, type Tenancy } from '../core-deps.ts';
import { keyedHash } from '../records/keyed-hash.ts';
import type { RegisteredProvider, Registry } from '../upstream/registry.ts';
import type { TenantRules } from './tenant-rules.ts';

/** What a tenant wants to use. */
export interface Wish {
  readonly tenantId: string;
  readonly userId: string;
  /** The account that the caller named. */
  readonly account: string | null;
  /** The provider that the caller named. */
  readonly provider: string | null;
  /** The names by which an account can be assigned to this use of a provider: its channel or its action. */
  readonly uses: (definition: AnyProvider) => readonly string[];
}

/** The providers as one tenant may use them, each with the account for this use. */
export type Offer = Pick<Registry, 'all' | 'routing' | 'find'>;

type OfferDeps = Pick<Providers, 'registry'> & KeySpace & Tenancy;

/** The offer for a wish, or what is wrong with the account that the caller named. */
export function offerOf(deps: OfferDeps, wish: Wish): Offer | FieldProblem {
  const rules = deps.tenants.rulesOf(wish.tenantId);
  const all = deps.registry.all.flatMap(({ definition }) => {
    const found = accountFor(deps, rules, definition, wish);
    return found ? [found] : [];
  });
  const find = (id: string) => all.find(({ definition }) => definition.id === id);
  const isMissing =
    wish.account !== null && (wish.provider === null ? all.length === 0 : !find(wish.provider));
  if (isMissing) return { path: 'account', message: 'is no account of your tenant for this' };
  const routing = routingOf(deps, rules, wish);
  if (wish.account === null) return { all, find, routing };
  const routes = [...routing].map(([channel, ids]) => [channel, ids.filter(find)] as const);
  // A route to other providers than that of the account says nothing about this wish.
  return { all, find, routing: new Map(routes.filter(([, ids]) => ids.length > 0)) };
}

/** The accounts of a provider that a tenant may name. */
export function accountNames(
  { registry, tenants }: Pick<Providers, 'registry'> & Tenancy,
  tenantId: string,
  providerId: string,
): readonly string[] {
  const rules = tenants.rulesOf(tenantId);
  const definition = registry.find(providerId)?.definition;
  if (!definition || !isAllowed(rules, definition)) return [];
  const names = new Set(usesOf(rules, providerId).map(({ account }) => account));
  return [...names].filter(
    (account) => registry.find(providerId, account)?.disabledReason === null,
  );
}

/** Undefined if the caller named an account that is not one of this provider. */
function accountFor(
  { registry }: Pick<Providers, 'registry'>,
  rules: TenantRules,
  definition: AnyProvider,
  { account, uses }: Pick<Wish, 'account' | 'uses'>,
): RegisteredProvider | undefined {
  const { id } = definition;
  const names = uses(definition);
  const own = usesOf(rules, id);
  const first = own.find(
    (each) =>
      (account === null || each.account === account) &&
      (each.uses === null || names.some((name) => each.uses?.includes(name))),
  );
  if (!first && account !== null) return undefined;
  if (!isAllowed(rules, definition)) return off(registry, id, 'Your tenant may not use it.');
  return first
    ? registry.find(id, first.account)
    : off(registry, id, 'Your tenant has no account there for this.');
}

function isAllowed(
  { providers, jurisdictions }: TenantRules,
  { id, jurisdiction }: AnyProvider,
): boolean {
  return providers?.has(id) !== false && jurisdictions?.has(jurisdiction) !== false;
}

function usesOf({ accounts, mayUseDefault }: TenantRules, id: string) {
  return accounts.get(id) ?? (mayUseDefault ? everything : []);
}

const everything = [{ account: 'default', uses: null }] as const;

function off(
  registry: Pick<Registry, 'find'>,
  id: string,
  disabledReason: string,
): RegisteredProvider | undefined {
  const known = registry.find(id);
  // A provider that is not enabled for anybody says so.
  return (
    known && { ...known, settings: null, disabledReason: known.disabledReason ?? disabledReason }
  );
}

function routingOf(deps: OfferDeps, rules: TenantRules, wish: Wish): Offer['routing'] {
  if (rules.routing.size === 0 && rules.shares.size === 0) return deps.registry.routing;
  const routing = new Map([...deps.registry.routing, ...rules.routing]);
  for (const [channel, shares] of rules.shares) {
    const route = routing.get(channel) ?? [];
    const tried = pickShare(deps, wish, channel, shares);
    if (tried !== null) routing.set(channel, [tried, ...route.filter((id) => id !== tried)]);
  }
  return routing;
}

/** By a keyed hash of the user, so that one person stays with one provider. */
function pickShare(
  deps: KeySpace,
  { tenantId, userId }: Wish,
  channel: string,
  shares: ReadonlyMap<string, number>,
): string | null {
  // The oldest key, so that a new one moves nobody as long as the old one is listed.
  const key = deps.hashKeys.at(-1)?.key ?? deps.hashKeys[0].key;
  const hash = keyedHash(key, 'share', [modeOf(deps), tenantId, channel, userId]);
  let place = (Buffer.from(hash, 'base64url').readUInt32BE() / 2 ** 32) * 100;
  for (const [provider, percent] of shares) {
    if (place < percent) return provider;
    place -= percent;
  }
  return null;
}
