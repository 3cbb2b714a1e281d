import { readFileSync } from 'node:fs';
import { contractVersion, defineProvider } from '../../src/contract/plugin-api.ts';
import { mediaTextsOver } from '../tencent/call-tencent.ts';
import { commonFaults } from '../tencent/common-faults.ts';
import { getWebVerificationResult } from './api.ts';
import { settingsSchema } from './settings.ts';
import { web } from './web.ts';

/** Tencent Cloud eKYC, international. Default limits: the pages of the actions. */
export const tencentIntl = defineProvider({
  contractVersion,
  id: 'tencent-intl',
  title: 'Tencent Cloud eKYC (international)',
  jurisdiction: 'INTL',
  settings: settingsSchema,
  credentials: ['SECRET_ID', 'SECRET_KEY', 'SESSION_TOKEN'],
  // A read about a token that does not exist.
  tryCredentials: (call) => getWebVerificationResult(call, '00000000-0000-0000-0000-000000000000'),
  actions: {
    ApplyWebVerificationBizTokenIntl: {
      effect: 'free_start',
      perSecond: 20,
      maxResponseBytes: 256 * 1024,
    },
    // The response always includes a video and pictures.
    GetWebVerificationResultIntl: {
      effect: 'read',
      perSecond: 20,
      maxResponseBytes: 50 * 1024 * 1024,
      dropStringsOver: mediaTextsOver,
    },
  },
  faults: commonFaults,
  channels: { FACE_WEB: web },
  typeDefs: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
});
