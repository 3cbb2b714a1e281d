import { z } from 'zod';
import { endpointSetting, regionSetting, secretSetting } from '../shared/setting-fields.ts';

/** Doc 1061/56227 (2025-12). The list grows: in 2024 it had two. */
const regions = ['ap-bangkok', 'ap-hongkong', 'ap-jakarta', 'ap-singapore', 'sa-saopaulo'] as const;

/** Settings by name without `TENCENT_INTL_`. */
export const settingsSchema = z
  .strictObject({
    SECRET_ID: secretSetting,
    SECRET_KEY: secretSetting,
    SESSION_TOKEN: secretSetting.optional(),
    // Every version of the page's list of regions includes it.
    REGION: regionSetting(regions, 'ap-singapore'),
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
