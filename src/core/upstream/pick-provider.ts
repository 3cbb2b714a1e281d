import type {
  AnyProvider,
  BankCardElement,
  ChannelDefinition,
  FieldProblem,
} from '../../contract/index.ts';
import { findVariant, listSets } from '../bank-cards/checked-elements.ts';
import { beforeClaimWasRead, failed, problem, type Failed, type Problem } from '../problem.ts';
import type { Offer } from '../tenants/offer-of.ts';
import { isEnabled, offers, type RegisteredProvider } from './registry.ts';

/** The provider and channel of a start, with the options for them. */
export interface PickedChannel {
  readonly provider: RegisteredProvider;
  readonly channel: ChannelDefinition<unknown>;
  readonly options: unknown;
}

export type Picked<T> =
  | { readonly kind: 'picked'; readonly picked: T }
  /** The input selects no provider; these fields are wrong. */
  | { readonly kind: 'wrong_fields'; readonly fields: readonly FieldProblem[] }
  | Failed;

/** The providers that may serve, in order: the first one, and its fallbacks. */
export type Candidates = readonly [PickedChannel, ...PickedChannel[]];

/**
 * Picks by the first of these that applies: the provider that the options belong to, the field `provider`, the
 * route of the channel, the only enabled provider of the channel.
 */
export function pickChannelProviders(
  registry: Offer,
  input: {
    readonly channel: string;
    readonly provider: string | null;
    readonly account: string | null;
    readonly options: Readonly<Record<string, unknown>> | null;
  },
): Picked<Candidates> {
  const given = Object.entries(input.options ?? {}).filter(([, value]) => value != null);
  const [option] = given;
  // Composition of the supergraph may drop @oneOf, so it is enforced here too.
  if (input.options !== null && (!option || given.length > 1)) {
    return wrongFields([{ path: 'options', message: 'must have exactly one field' }]);
  }
  if (option) return pickByOption(registry, input, option);

  const route = input.provider === null ? registry.routing.get(input.channel) : undefined;
  if (route) return pickByRoute(registry, input.channel, route);
  const offering = registry.all.filter((provider) => offers(provider, input.channel));
  const found = pickAmong(registry, offering, input.provider, `the channel ${input.channel}`);
  return found.kind === 'picked' ? only(withChannel(found.picked, input.channel, null)) : found;
}

function pickByOption(
  registry: Offer,
  input: {
    readonly channel: string;
    readonly provider: string | null;
    readonly account: string | null;
  },
  [field, options]: readonly [string, unknown],
): Picked<Candidates> {
  const path = `options.${field}`;
  const owner = registry.all.find(({ definition }) => channelsOf(definition, field).length > 0);
  if (!owner) {
    const message =
      input.account === null
        ? 'belongs to no provider'
        : 'does not belong to a provider of this account';
    return wrongFields([{ path, message }]);
  }

  const { id } = owner.definition;
  const names = channelsOf(owner.definition, field);
  const fields: FieldProblem[] = [];
  if (!names.includes(input.channel)) {
    fields.push({ path, message: `belongs to the channel ${names.join(' or ')}` });
  }
  if (input.provider !== null && input.provider !== id) {
    fields.push({ path, message: `belongs to the provider ${id}` });
  }
  if (fields.length > 0) return wrongFields(fields);
  if (!isEnabled(owner)) return notEnabled(owner);
  return only(withChannel(owner, input.channel, options));
}

/** The channels of a provider that take this field of the options. */
function channelsOf({ channels }: AnyProvider, field: string): string[] {
  return Object.keys(channels).filter((name) => channels[name]?.optionsField === field);
}

function pickByRoute(
  registry: Offer,
  channel: string,
  route: readonly string[],
): Picked<Candidates> {
  const listed = route.flatMap((id) => registry.find(id) ?? []);
  const [first, ...others] = listed
    .filter((provider) => isEnabled(provider) && offers(provider, channel))
    .map((provider) => withChannel(provider, channel, null));
  if (first) return picked([first, ...others]);
  const [disabled] = listed;
  if (!disabled) throw new Error(`the route of ${channel} names nobody`);
  return notEnabled(disabled);
}

function only(candidate: PickedChannel): Picked<Candidates> {
  return picked([candidate]);
}

/**
 * Picks the provider that `provider` names, or else the only enabled one that checks exactly these elements of a bank
 * card.
 */
export function pickBankCardProvider(
  registry: Offer,
  provider: string | null,
  elements: readonly BankCardElement[],
): Picked<RegisteredProvider> {
  const offering = registry.all.filter(({ definition }) => definition.bankCard !== undefined);
  const fitting = offering.filter(({ definition }) => findVariant(definition, elements));
  const asked = provider === null ? null : registry.find(provider);
  const able = (asked ? [asked] : offering).filter(isEnabled);
  const isOffered = able.some(({ definition }) => definition.bankCard !== undefined);
  if (isOffered && !able.some((each) => fitting.includes(each))) {
    const sets = listSets(able.map(({ definition }) => definition));
    return wrongFields([
      { path: 'elements', message: `cannot be checked together. Possible: ${sets}` },
    ]);
  }
  const among = fitting.length > 0 ? fitting : offering;
  return pickAmong(registry, asked ? offering : among, provider, 'bank card checks');
}

/** The problem if no provider was picked. Wrong fields come before any other problem. */
export function problemOfPicked(
  found: Exclude<Picked<never>, { readonly kind: 'picked' }>,
  otherFields: readonly FieldProblem[],
): Problem {
  const fields = [...otherFields, ...(found.kind === 'wrong_fields' ? found.fields : [])];
  return found.kind === 'problem' && fields.length === 0
    ? found.problem
    : problem('INVALID_INPUT', { fields });
}

function pickAmong(
  registry: Offer,
  offering: readonly RegisteredProvider[],
  asked: string | null,
  what: string,
): Picked<RegisteredProvider> {
  if (asked !== null) {
    if (!registry.find(asked)) {
      return wrongFields([{ path: 'provider', message: 'is no provider of this graph' }]);
    }
    const provider = offering.find(({ definition }) => definition.id === asked);
    if (!provider) return wrongFields([{ path: 'provider', message: `does not offer ${what}` }]);
    return isEnabled(provider) ? picked(provider) : notEnabled(provider);
  }
  const enabled = offering.filter(isEnabled);
  const [single, ...others] = enabled;
  if (single && others.length === 0) return picked(single);
  if (single) {
    const names = enabled.map(({ definition }) => definition.id).join(', ');
    return wrongFields([{ path: 'provider', message: `must be one of ${names}` }]);
  }
  const [disabled] = offering;
  if (disabled) return notEnabled(disabled);
  const path = what === 'bank card checks' ? 'provider' : 'channel';
  return wrongFields([{ path, message: `no provider of this graph offers ${what}` }]);
}

function withChannel(provider: RegisteredProvider, name: string, options: unknown): PickedChannel {
  const channel = provider.definition.channels[name];
  if (!channel) throw new Error(`${provider.definition.id} has no channel ${name}`);
  return { provider, channel, options };
}

function notEnabled(provider: RegisteredProvider): Failed {
  const found = problem('PROVIDER_NOT_ENABLED', { provider: provider.definition.id });
  return failed(beforeClaimWasRead(found));
}

function picked<T>(value: T): Picked<T> {
  return { kind: 'picked', picked: value };
}

/** The input selects no provider, because of these fields. */
export function wrongFields(fields: readonly FieldProblem[]): Picked<never> {
  return { kind: 'wrong_fields', fields };
}
