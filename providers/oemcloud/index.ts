import { readFileSync } from 'node:fs';
import {
  contractVersion,
  defineProvider,
  type ActionDefinition,
} from '../../src/contract/plugin-api.ts';
import { faceAlipay, faceWeb, faceWechatMiniProgram } from './face.ts';
import { faults, nonceRefused } from './mapping.ts';
import { settingsSchema } from './settings.ts';

/** The page states no rate limit. Ask the provider, and set OEMCLOUD_LIMIT_…. */
const cautious = {
  perSecond: 10,
  maxResponseBytes: 256 * 1024,
  retryableCodes: [nonceRefused],
} as const satisfies Partial<ActionDefinition>;

/** OEMCloud 实人认证, a reseller of e签宝. */
export const oemcloud = defineProvider({
  contractVersion,
  id: 'oemcloud',
  title: 'OEMCloud identity verification',
  jurisdiction: 'CN',
  settings: settingsSchema,
  credentials: ['APP_CODE'],
  actions: {
    // No document says when a unit is charged.
    'individual/face': { effect: 'may_charge', ...cautious },
    'common/outline': { effect: 'read', ...cautious },
    'common/detail': { effect: 'read', ...cautious },
    'pub/individual/face': { effect: 'read', ...cautious },
  },
  faults,
  channels: {
    FACE_WEB: faceWeb,
    FACE_ALIPAY: faceAlipay,
    FACE_WECHAT_MINI_PROGRAM: faceWechatMiniProgram,
  },
  typeDefs: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
});
