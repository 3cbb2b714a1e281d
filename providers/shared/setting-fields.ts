import { z } from 'zod';
import { Secret } from '../../src/contract/plugin-api.ts';

/** A credential. It becomes a Secret as soon as it is read. */
export const secretSetting = z
  .string()
  .min(1, 'must not be empty')
  .transform((value) => new Secret(value));

/** A misspelt region would be refused by the provider at each call. */
export function regionSetting<const Regions extends readonly string[]>(
  regions: Regions,
  standard: Regions[number],
) {
  return z.enum(regions, `must be one of ${regions.join(', ')}`).default(standard);
}

export function endpointSetting(standard: string) {
  return z.url({ protocol: /^https?$/u, error: 'must be an absolute URL' }).default(standard);
}
