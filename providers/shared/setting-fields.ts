import { z } from 'zod';
import { Secret } from '../../src/contract/plugin-api.ts';

/** A credential. It becomes a Secret as soon as it is read. */
export const secretSetting = z
  .string()
  .min(1, 'must not be empty')
  .transform((value) => new Secret(value));

export function endpointSetting(standard: string) {
  return z.url({ protocol: /^https?$/u, error: 'must be an absolute URL' }).default(standard);
}
