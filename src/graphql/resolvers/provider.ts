import type { ActionEffect, ChannelDefinition } from '../../contract/index.ts';
import {
  isEnabled,
  offers,
  outcomeSourceOf,
  quotaOf,
  requiresOf,
  stateOf,
  type RegisteredProvider,
} from '../../core/upstream/registry.ts';
import type {
  VerificationActionEffect,
  VerificationChannel,
  VerificationProviderResolvers,
} from '../generated.ts';

const effects = {
  read: 'READ',
  free_start: 'FREE_START',
  may_charge: 'MAY_CHARGE',
} as const satisfies Record<ActionEffect, VerificationActionEffect>;

/** A provider whose plugin is no longer loaded keeps its id; the other fields are empty. */
export const provider: VerificationProviderResolvers = {
  title: ({ id, loaded }) => loaded?.definition.title ?? id,
  enabled: ({ loaded }) => loaded !== null && isEnabled(loaded),
  reason: ({ loaded }) => (loaded ? loaded.disabledReason : 'Its plugin is not loaded.'),
  jurisdiction: ({ loaded }) => loaded?.definition.jurisdiction ?? null,
  state: ({ loaded }, _arguments, { core }) =>
    loaded && isEnabled(loaded) ? stateOf(loaded, core.breaker) : null,
  channels: ({ loaded }) =>
    channelsOf(loaded).map(([channel, definition]) => ({
      // A plugin may add channels, so only the assembled schema knows all names.
      channel: channel as VerificationChannel,
      checks: [...definition.checks],
      requires: loaded ? [...requiresOf(loaded, definition)] : [],
      optionRequirements: (definition.requiresWith ?? []).map(({ option, value, requires }) => ({
        option: `options.${definition.optionsField}.${option}`,
        value: value === undefined ? null : String(value),
        requires: [...requires],
      })),
      outcome: loaded ? outcomeSourceOf(loaded, definition) : 'NONE',
    })),
  bankCardVariants: ({ loaded }) =>
    (loaded?.definition.bankCard?.variants ?? []).map(({ elements, action }) => ({
      elements: [...elements],
      action,
    })),
  actions: ({ loaded }) =>
    Object.entries(loaded?.definition.actions ?? {}).map(([name, { effect, perSecond }]) => ({
      name,
      effect: effects[effect],
      perSecond: loaded ? quotaOf(loaded, name).perSecond : perSecond,
    })),
};

function channelsOf(
  loaded: RegisteredProvider | null,
): readonly (readonly [string, ChannelDefinition<unknown>])[] {
  const all = Object.entries(loaded?.definition.channels ?? {});
  return all.filter(([name]) => loaded !== null && offers(loaded, name));
}
