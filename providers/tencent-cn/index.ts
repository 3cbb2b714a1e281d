import { readFileSync } from 'node:fs';
import { contractVersion, defineProvider } from '../../src/contract/plugin-api.ts';
import { mediaTextsOver } from '../tencent/call-tencent.ts';
import { commonFaults } from '../tencent/common-faults.ts';
import { bankCard } from './bank-card.ts';
import { eId } from './e-id.ts';
import { faceSdk } from './face-sdk.ts';
import { settingsSchema } from './settings.ts';

const kilobyte = 1024;
const megabyte = 1024 * kilobyte;

/** Tencent Cloud FaceID, mainland China. Default limits: the pages of the actions. */
export const tencentCn = defineProvider({
  contractVersion,
  id: 'tencent-cn',
  title: 'Tencent Cloud FaceID (mainland China)',
  jurisdiction: 'CN',
  settings: settingsSchema,
  credentials: ['SECRET_ID', 'SECRET_KEY', 'SESSION_TOKEN'],
  actions: {
    GetEidToken: { effect: 'free_start', perSecond: 100, maxAnswerBytes: 256 * kilobyte },
    CheckEidTokenStatus: { effect: 'read', perSecond: 100, maxAnswerBytes: 64 * kilobyte },
    // The parts about an intention bring recordings along, unasked.
    GetEidResult: {
      effect: 'read',
      perSecond: 100,
      maxAnswerBytes: 50 * megabyte,
      emptyTextsOver: mediaTextsOver,
    },
    GetFaceIdToken: { effect: 'free_start', perSecond: 100, maxAnswerBytes: 256 * kilobyte },
    GetFaceIdResult: {
      effect: 'read',
      perSecond: 100,
      maxAnswerBytes: 10 * megabyte,
      emptyTextsOver: mediaTextsOver,
    },
    BankCard4EVerification: { effect: 'may_charge', perSecond: 20, maxAnswerBytes: 64 * kilobyte },
  },
  faults: commonFaults,
  channels: { E_ID: eId, FACE_SDK: faceSdk },
  bankCard,
  typeDefs: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
});
