import { z } from 'zod';
import { endpointSetting, secretSetting } from '../shared/setting-fields.ts';

/** The sources of the outcome. The first three are e签宝's paths, which OEMCloud may not offer. */
const outcomeWays = ['outline', 'detail', 'face', 'notification', 'none'] as const;

/** Settings by name without `OEMCLOUD_`. */
export const settingsSchema = z
  .strictObject({
    APP_CODE: secretSetting,
    // No default: the page documents none of them, so only the contract can say which one works.
    OUTCOME: z.enum(outcomeWays, `must be one of ${outcomeWays.join(', ')}`),
    ENDPOINT: endpointSetting('https://auth.csapi.com.cn'),
  })
  .transform((given) => ({
    appCode: given.APP_CODE,
    outcome: given.OUTCOME,
    endpoint: given.ENDPOINT,
  }));

export type OemcloudSettings = z.output<typeof settingsSchema>;
