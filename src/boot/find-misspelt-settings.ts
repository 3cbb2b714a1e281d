import { distance } from 'fastest-levenshtein';
import type { GivenSettings } from './read-settings.ts';
import { settings } from './settings.ts';

/** First words that no other software uses for its variables. */
const ownFamilies = [
  ...['BANK_CARD_', 'INPUT_', 'JWT_', 'LIMIT_', 'PROVIDERS_', 'REDIRECT_', 'REDIS_SENTINEL_'],
  ...['REDIS_TLS_', 'ROUTER_', 'STORE_', 'TENANT_', 'TRUST_', 'VELOCITY_', 'VERIFICATION_'],
];
/** `HOST` and `PORT` have too many neighbours, such as `POST`. */
const shortestName = 6;
const mostEdits = 2;

/**
 * Variables that look like a setting of the service and are none: a misspelt limit would be no limit. `isOwned`:
 * whether a variable belongs to a provider.
 */
export function findMisspeltSettings(
  given: GivenSettings,
  isOwned: (name: string) => boolean,
): string[] {
  const names = Object.keys(settings);
  return Object.keys(given)
    .filter((name) => !Object.hasOwn(settings, name) && !isOwned(name))
    .flatMap((name) => {
      const nearest = names
        .map((each) => ({ each, edits: distance(name.toUpperCase(), each) }))
        .toSorted((a, b) => a.edits - b.edits)
        .at(0);
      if (!nearest) return [];
      const longer = names.find((each) => name.startsWith(`${each}_`));
      const isNear = nearest.each.length >= shortestName && nearest.edits <= mostEdits;
      const isOurs = ownFamilies.some((family) => name.startsWith(family));
      return isNear || isOurs
        ? [`${name} is not a setting. Did you mean ${longer ?? nearest.each}?`]
        : [];
    });
}
