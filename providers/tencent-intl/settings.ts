import { z } from 'zod';
import { endpointSetting, secretSetting } from '../shared/setting-fields.ts';

/** Settings by their names without `TENCENT_INTL_`. */
export const settingsSchema = z
  .strictObject({
    SECRET_ID: secretSetting,
    SECRET_KEY: secretSetting,
    SESSION_TOKEN: secretSetting.optional(),
    // In every list of regions that the page has had; the lists grow.
    REGION: z
      .string()
      .regex(/^[a-z0-9-]+$/u, 'must be a region such as ap-singapore')
      .default('ap-singapore'),
    ENDPOINT: endpointSetting('https://faceid.intl.tencentcloudapi.com'),
    // The official SDK says 7200 s of an older field and 10 minutes of this one; the page is silent.
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
