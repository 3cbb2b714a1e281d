import { z } from 'zod';
import { endpointSetting, regionSetting, secretSetting } from '../shared/setting-fields.ts';
import { readEidKey } from './open-eid-info.ts';
import { readEncryptionKey } from '../tencent/encrypt-fields.ts';

/** Page GetFaceIdToken. The other actions need none. */
const regions = ['ap-beijing', 'ap-chengdu', 'ap-guangzhou', 'ap-shanghai'] as const;

/** What a rule of the console may need. */
const webInputs = ['subject.name', 'subject.idNumber', 'referenceImage'] as const;
type WebInput = (typeof webInputs)[number];

function isWebInput(path: string): path is WebInput {
  return (webInputs as readonly string[]).includes(path);
}

/** Settings by name without `TENCENT_CN_`. */
export const settingsSchema = z
  .strictObject({
    SECRET_ID: secretSetting,
    SECRET_KEY: secretSetting,
    SESSION_TOKEN: secretSetting.optional(),
    MERCHANT_ID: z.string().min(1, 'must not be empty').max(50, 'at most 50 characters').optional(),
    REGION: regionSetting(regions, 'ap-guangzhou'),
    RULE_ID: z.string().min(1, 'must not be empty').optional(),
    ENCRYPTION_PUBLIC_KEY: z
      .string()
      .transform((text, context) => {
        const key = readEncryptionKey(text);
        if (key) return key;
        context.addIssue(
          'must be the RSA or SM2 key of the FaceID console, base64 of its PEM text',
        );
        return z.NEVER;
      })
      .optional(),
    WEB_RULE_ID: z.string().min(1, 'must not be empty').optional(),
    WEB_REQUIRES: z
      .string()
      .transform((text, context) => {
        const paths = text.split(',').map((path) => path.trim());
        if (paths.every(isWebInput)) return paths;
        context.addIssue(`must be of ${webInputs.join(', ')}, separated by commas`);
        return z.NEVER;
      })
      .optional(),
    EID_PRIVATE_KEY: z
      .string()
      .transform((text, context) => {
        const key = readEidKey(text);
        if (key) return key;
        context.addIssue(
          'must be the SM2 private key of the merchant: PEM, or base64 of its PEM text',
        );
        return z.NEVER;
      })
      .optional(),
    ENDPOINT: endpointSetting('https://faceid.tencentcloudapi.com'),
  })
  .transform((given) => ({
    account: {
      endpoint: given.ENDPOINT,
      secretId: given.SECRET_ID,
      secretKey: given.SECRET_KEY,
      sessionToken: given.SESSION_TOKEN,
    },
    encryptionKey: given.ENCRYPTION_PUBLIC_KEY,
    eidPrivateKey: given.EID_PRIVATE_KEY,
    merchantId: given.MERCHANT_ID,
    ruleId: given.RULE_ID,
    web: { ruleId: given.WEB_RULE_ID, requires: given.WEB_REQUIRES ?? [] },
    region: given.REGION,
  }));

export type TencentCnSettings = z.output<typeof settingsSchema>;
