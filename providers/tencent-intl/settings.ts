import { z } from 'zod';
import { endpointSetting, secretSetting } from '../shared/setting-fields.ts';

/** Settings by name without `TENCENT_INTL_`. */
export const settingsSchema = z
  .strictObject({
    SECRET_ID: secretSetting,
    SECRET_KEY: secretSetting,
    SESSION_TOKEN: secretSetting.optional(),
    // Every version of the page's list of regions includes it. The list grows.
    REGION: z
      .string()
      .regex(/^[a-z0-9-]+$/u, 'must be a region such as ap-singapore')
      .default('ap-singapore'),
    ENDPOINT: endpointSetting('https://faceid.intl.tencentcloudapi.com'),
    // The official SDK states 7200 s for an older field and 10 minutes for this one. The page states
    // nothing.
    BIZ_TOKEN_TTL_SECONDS: z.coerce
      .number('must be a number')
      .int('must be a whole number')
      .min(60, 'must be at least 60')
      .max(7200, 'must be at most 7200')
      .default(600),
  })
  .transform((given) => ({
    account: {
      endpoint: given.ENDPOINT,
      secretId: given.SECRET_ID,
      secretKey: given.SECRET_KEY,
      sessionToken: given.SESSION_TOKEN,
    },
    region: given.REGION,
    bizTokenTtlSeconds: given.BIZ_TOKEN_TTL_SECONDS,
  }));

export type TencentIntlSettings = z.output<typeof settingsSchema>;
