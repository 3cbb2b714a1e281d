import type { ActionEffect } from '../../contract/index.ts';
import {
  isEnabled,
  offers,
  outcomeSourceOf,
  quotaOf,
  requiresOf,
  stateOf,
} from '../../core/upstream/registry.ts';
import { accountNames } from '../../core/tenants/offer-of.ts';
import type { ProviderRef } from '../provider-ref.ts';
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
  accounts: ({ id }, _arguments, { core, caller }) => [...accountNames(core, caller.tenantId, id)],
  channels: (ref) =>
    channelsOf(ref).map(({ channel, definition, provider: used }) => ({
      // A plugin may add channels, so only the assembled schema knows all names.
      channel: channel as VerificationChannel,
      checks: [...definition.checks],
      requires: [...requiresOf(used, definition)],
      optionRequirements: (definition.requiresWith ?? []).map(({ option, value, requires }) => ({
        option: `options.${definition.optionsField}.${option}`,
        value: value === undefined ? null : String(value),
        requires: [...requires],
      })),
      outcome: outcomeSourceOf(used, definition),
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

function channelsOf({ loaded, forChannel }: ProviderRef) {
  const all = Object.entries(loaded?.definition.channels ?? {});
  return all.flatMap(([channel, definition]) => {
    const used = forChannel(channel);
    // An enabled provider may have an account for some of its channels only.
    const isListed =
      loaded && used && offers(used, channel) && (isEnabled(used) || !isEnabled(loaded));
    return isListed ? [{ channel, definition, provider: used }] : [];
  });
}
