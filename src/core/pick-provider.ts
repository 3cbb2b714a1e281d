import type { ChannelDefinition, FieldProblem } from '../contract/index.ts';
import { problem, type Problem } from './problem.ts';
import { isEnabled, type RegisteredProvider, type Registry } from './registry.ts';

/** Who serves a start, and with which options. */
export interface PickedChannel {
  readonly provider: RegisteredProvider;
  readonly channel: ChannelDefinition<unknown>;
  readonly options: unknown;
}

export type Picked<T> =
  | { readonly picked: T }
  | { readonly fields: readonly FieldProblem[] }
  | { readonly problem: Problem };

/**
 * Options imply their provider; else `provider` says who; else the only enabled provider of the
 * channel serves.
 */
export function pickChannelProvider(
  registry: Registry,
  input: {
    readonly channel: string;
    readonly provider: string | null;
    readonly options: Readonly<Record<string, unknown>> | null;
  },
): Picked<PickedChannel> {
  const given = Object.entries(input.options ?? {}).filter(([, value]) => value != null);
  const [option] = given;
  // A composer may have dropped @oneOf, so it is enforced here as well.
  if (input.options !== null && (!option || given.length > 1)) {
    return { fields: [{ path: 'options', message: 'must have exactly one field' }] };
  }
  const offering = registry.all.filter(({ definition }) =>
    Object.hasOwn(definition.channels, input.channel),
  );
  if (!option) {
    const picked = pickAmong(registry, offering, input.provider, `the channel ${input.channel}`);
    if (!('picked' in picked)) return picked;
    return withChannel(picked.picked, input.channel, null);
  }

  const [field, options] = option;
  const path = `options.${field}`;
  for (const provider of registry.all) {
    for (const [name, { optionsField }] of Object.entries(provider.definition.channels)) {
      if (optionsField !== field) continue;
      const fields: FieldProblem[] = [];
      if (name !== input.channel) fields.push({ path, message: `belongs to the channel ${name}` });
      if (input.provider !== null && input.provider !== provider.definition.id) {
        fields.push({ path, message: `belongs to the provider ${provider.definition.id}` });
      }
      if (fields.length > 0) return { fields };
      if (!isEnabled(provider)) return { problem: notEnabled(provider) };
      return withChannel(provider, name, options);
    }
  }
  return { fields: [{ path, message: 'belongs to no provider' }] };
}

/** `provider` says who; else the only enabled provider of bank card checks serves. */
export function pickBankCardProvider(
  registry: Registry,
  provider: string | null,
): Picked<RegisteredProvider> {
  const offering = registry.all.filter(({ definition }) => definition.bankCard !== undefined);
  return pickAmong(registry, offering, provider, 'bank card checks');
}

/** What to tell a caller for whom nobody was picked: every wrong field first. */
export function problemOfPicked(
  picked: Exclude<Picked<never>, { readonly picked: never }>,
  otherFields: readonly FieldProblem[],
): Problem {
  const fields = [...otherFields, ...('fields' in picked ? picked.fields : [])];
  return 'problem' in picked && fields.length === 0
    ? picked.problem
    : problem('INVALID_INPUT', { fields });
}

function pickAmong(
  registry: Registry,
  offering: readonly RegisteredProvider[],
  asked: string | null,
  what: string,
): Picked<RegisteredProvider> {
  if (asked !== null) {
    if (!registry.find(asked)) {
      return { fields: [{ path: 'provider', message: 'is no provider of this graph' }] };
    }
    const provider = offering.find(({ definition }) => definition.id === asked);
    if (!provider) return { fields: [{ path: 'provider', message: `does not offer ${what}` }] };
    return isEnabled(provider) ? { picked: provider } : { problem: notEnabled(provider) };
  }
  const enabled = offering.filter(isEnabled);
  const [only, ...others] = enabled;
  if (only && others.length === 0) return { picked: only };
  if (only) {
    const names = enabled.map(({ definition }) => definition.id).join(', ');
    return { fields: [{ path: 'provider', message: `must be one of ${names}` }] };
  }
  const [disabled] = offering;
  if (disabled) return { problem: notEnabled(disabled) };
  const path = what === 'bank card checks' ? 'provider' : 'channel';
  return { fields: [{ path, message: `no provider of this graph offers ${what}` }] };
}

function withChannel(
  provider: RegisteredProvider,
  name: string,
  options: unknown,
): Picked<PickedChannel> {
  const channel = provider.definition.channels[name];
  if (!channel) throw new Error(`${provider.definition.id} has no channel ${name}`);
  return { picked: { provider, channel, options } };
}

function notEnabled(provider: RegisteredProvider): Problem {
  return problem('PROVIDER_NOT_ENABLED', { provider: provider.definition.id });
}
