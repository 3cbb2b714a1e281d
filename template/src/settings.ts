import { Secret } from 'verification-subgraph/provider';
import { z } from 'zod';

/** Settings by their names without `MY_PROVIDER_`. Messages say what is expected, never what came. */
export const settingsSchema = z
  .strictObject({
    API_KEY: z
      .string()
      .min(1, 'must not be empty')
      .transform((value) => new Secret(value)),
    ENDPOINT: z
      .url({ protocol: /^https?$/u, error: 'must be an absolute URL' })
      .default('https://api.my-provider.example'),
  })
  .transform(({ API_KEY, ENDPOINT }) => ({ apiKey: API_KEY, endpoint: ENDPOINT }));

export type Settings = z.output<typeof settingsSchema>;
