import { z } from 'zod';
import { endpointSetting, secretSetting } from '../shared/setting-fields.ts';

/** How the outcome is learnt. The first three are paths of the upstream that may not be open. */
const outcomeWays = ['outline', 'detail', 'face', 'notification', 'none'] as const;

/** Settings by their names without `OEMCLOUD_`. */
export const settingsSchema = z
  .strictObject({
    APP_CODE: secretSetting,
    // No default: the page documents none of them, so that only the contract can say which works.
    OUTCOME: z.enum(outcomeWays, `must be one of ${outcomeWays.join(', ')}`),
    ENDPOINT: endpointSetting('https://auth.csapi.com.cn'),
  })
  .transform((given) => ({
    appCode: given.APP_CODE,
    outcome: given.OUTCOME,
    endpoint: given.ENDPOINT,
  }));

export type OemcloudSettings = z.output<typeof settingsSchema>;
