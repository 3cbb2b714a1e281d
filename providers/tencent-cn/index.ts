import { readFileSync } from 'node:fs';
import { contractVersion, defineProvider } from '../../src/contract/plugin-api.ts';
import { mediaTextsOver } from '../tencent/call-tencent.ts';
import { commonFaults } from '../tencent/common-faults.ts';
import { checkEidTokenStatus } from './api.ts';
import { bankCard } from './bank-card.ts';
import { eId } from './e-id.ts';
import { faceSdk } from './face-sdk.ts';
import { settingsSchema } from './settings.ts';
import { web } from './web.ts';

/** Tencent Cloud FaceID, mainland China. Default limits: the pages of the actions. */
export const tencentCn = defineProvider({
  contractVersion,
  id: 'tencent-cn',
  title: 'Tencent Cloud FaceID (mainland China)',
  jurisdiction: 'CN',
  settings: settingsSchema,
  credentials: ['SECRET_ID', 'SECRET_KEY', 'SESSION_TOKEN'],
  // The cheapest read, about a token that does not exist.
  tryCredentials: (call) => checkEidTokenStatus(call, '00000000-0000-0000-0000-000000000000'),
  actions: {
    GetEidToken: { effect: 'free_start', perSecond: 100, maxResponseBytes: 256 * 1024 },
    // Page 31320 of Tencent Cloud.
    CheckEidTokenStatus: { effect: 'read', perSecond: 2000, maxResponseBytes: 64 * 1024 },
    // The parts about an intention always include recordings.
    GetEidResult: {
      effect: 'read',
      perSecond: 100,
      maxResponseBytes: 50 * 1024 * 1024,
      dropStringsOver: mediaTextsOver,
    },
    GetFaceIdToken: { effect: 'free_start', perSecond: 100, maxResponseBytes: 256 * 1024 },
    GetFaceIdResult: {
      effect: 'read',
      perSecond: 100,
      maxResponseBytes: 50 * 1024 * 1024,
      dropStringsOver: mediaTextsOver,
    },
    // Pages 31816 and 41957.
    DetectAuth: { effect: 'free_start', perSecond: 100, maxResponseBytes: 64 * 1024 },
    GetDetectInfoEnhanced: {
      effect: 'read',
      perSecond: 100,
      maxResponseBytes: 50 * 1024 * 1024,
      dropStringsOver: mediaTextsOver,
    },
    // A limit each (page 31320).
    BankCard2EVerification: { effect: 'may_charge', perSecond: 20, maxResponseBytes: 64 * 1024 },
    BankCardVerification: { effect: 'may_charge', perSecond: 20, maxResponseBytes: 64 * 1024 },
    BankCard4EVerification: { effect: 'may_charge', perSecond: 20, maxResponseBytes: 64 * 1024 },
  },
  faults: commonFaults,
  channels: { E_ID: eId, FACE_SDK: faceSdk, FACE_WEB: web },
  bankCard,
  typeDefs: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
});
