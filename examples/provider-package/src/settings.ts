import { Secret } from 'verification-subgraph/provider';
import { z } from 'zod';

const secret = z
  .string()
  .min(1, 'must not be empty')
  .transform((value) => new Secret(value));

/** Settings by their names without `DOCLENS_`. */
export const settingsSchema = z
  .strictObject({
    CLIENT_ID: secret,
    CLIENT_SECRET: secret,
    WEBHOOK_SECRET: secret,
    ENDPOINT: z
      .url({ protocol: /^https?$/u, error: 'must be an absolute URL' })
      .default('https://api.doclens.example'),
  })
  .transform((given) => ({
    clientId: given.CLIENT_ID,
    clientSecret: given.CLIENT_SECRET,
    webhookSecret: given.WEBHOOK_SECRET,
    endpoint: given.ENDPOINT,
  }));

export type Settings = z.output<typeof settingsSchema>;
