import { wireFaults } from '../magic.ts';
import type { Scenario } from '../scenario.ts';
import { commonErrors, readErrors } from '../tencent/common-errors.ts';
import {
  bankCardCodes,
  businessErrors,
  eidCodes,
  faceIdCodes,
  questionCodes,
  readAloudCodes,
} from './codes.ts';

/** The invented person of the provider's own pages. */
const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const provider = 'tencent-cn';

export const tencentCnScenarios: readonly Scenario[] = [
  ...eidCodes.map(({ code, title }) => eId(`GetEidResult=${code}`, 'GetEidResult', title, code)),
  ...[
    'unfinished-absent',
    'unfinished-null',
    'unfinished-null-text',
    'unfinished-17',
    'unfinished-error',
  ].map((shape) =>
    eId(`GetEidResult=${shape}`, 'GetEidResult', 'finished, but no result yet', shape),
  ),
  eId('GetEidResult=9999', 'GetEidResult', 'a code that no table has', '9999'),
  ...['text', 'number'].map((types) =>
    eId(`types=${types} sandbox:GetEidResult=2016`, 'GetEidResult', `members as ${types}`, '2016'),
  ),
  ...['c1c2c3', 'asn1', 'hex', 'none'].map((form) =>
    eId(`eid=${form} sandbox:GetEidResult=0`, 'GetEidResult', `EidInfo, form ${form}`, '0'),
  ),
  eId('who=other sandbox:GetEidResult=0', 'GetEidResult', 'somebody else was verified', '0'),
  eId('url=once sandbox:GetEidResult=0', 'GetEidResult', 'the link works once', '0'),
  ...['init', 'doing', 'timeout', 'unheard-of'].map((status) =>
    eId(`CheckEidTokenStatus=${status}`, 'CheckEidTokenStatus', `status ${status}`, status),
  ),
  ...['InvalidParameterValue.BizTokenExpired', 'InvalidParameterValue.BizTokenIllegal'].map(
    (code) => eId(`GetEidResult=${code}`, 'GetEidResult', 'the token is not accepted', code),
  ),
  ...readAloudCodes.map(({ code, title }) =>
    eId(`Intention=${code}`, 'GetEidResult', title, code, {
      useIntentionVerify: true,
      intentionVerifyText: '我同意',
    }),
  ),
  ...questionCodes.map(({ code, title }) =>
    eId(`Intention=${code}`, 'GetEidResult', title, code, {
      useIntentionVerify: true,
      intentionMode: 'QUESTION_AND_ANSWER',
      intentionQuestions: [{ question: '您同意吗？', answers: ['同意'] }],
    }),
  ),
  ...['0', '-2', '-101', '-301', '-999'].map((code) =>
    eId(`Intention=${code}`, 'GetEidResult', 'intention, nodding 点头意愿', code, {
      useIntentionVerify: true,
      intentionMode: 'NOD',
      intentionActions: [{ text: '请点头' }],
    }),
  ),
  ...['GetEidResult', 'CheckEidTokenStatus'].flatMap((action) =>
    [...readErrors, ...wireFaults].map((code) => eId(`${action}=${code}`, action, code, code)),
  ),
  eId('Attempts=2016,2006,0', 'GetEidResult', 'three attempts, each charged', '0'),
  ...eachError('GetEidToken').map((code) => eId(`GetEidToken=${code}`, 'GetEidToken', code, code)),

  ...faceIdCodes.map(({ code, title }) =>
    faceSdk(`GetFaceIdResult=${code}`, 'GetFaceIdResult', title, code),
  ),
  faceSdk('GetFaceIdResult=9999', 'GetFaceIdResult', 'a code that no table has', '9999'),
  ...['text', 'number'].map((types) =>
    faceSdk(
      `types=${types} sandbox:GetFaceIdResult=2016`,
      'GetFaceIdResult',
      `members as ${types}`,
      '2016',
    ),
  ),
  {
    ...faceSdk('GetFaceIdResult=0', 'GetFaceIdResult', 'recordings in the bucket', '0'),
    input: {
      ...{ channel: 'FACE_SDK', subject, extra: 'sandbox:GetFaceIdResult=0' },
      options: { tencentCnFaceSdk: { useCos: true } },
    },
  },
  ...[
    'unfinished-absent',
    'unfinished-null',
    'unfinished-empty',
    'unfinished-error',
    'InvalidParameterValue.BizTokenExpired',
    'InvalidParameterValue.BizTokenIllegal',
  ].map((code) => faceSdk(`GetFaceIdResult=${code}`, 'GetFaceIdResult', code, code)),
  ...[...readErrors, ...wireFaults].map((code) =>
    faceSdk(`GetFaceIdResult=${code}`, 'GetFaceIdResult', code, code),
  ),
  ...eachError('GetFaceIdToken').map((code) =>
    faceSdk(`GetFaceIdToken=${code}`, 'GetFaceIdToken', code, code),
  ),

  ...eidCodes.map(({ code, title }) =>
    web(`GetDetectInfoEnhanced=${code}`, 'GetDetectInfoEnhanced', title, code),
  ),
  ...[
    ...['unfinished-absent', 'unfinished-null', 'unfinished-null-code', 'unfinished-empty'],
    ...['unfinished-17', 'unfinished-error'],
  ].map((shape) =>
    web(`GetDetectInfoEnhanced=${shape}`, 'GetDetectInfoEnhanced', 'not finished', shape),
  ),
  web('GetDetectInfoEnhanced=9999', 'GetDetectInfoEnhanced', 'a code that no table has', '9999'),
  ...['text', 'number'].map((types) =>
    web(
      `types=${types} sandbox:GetDetectInfoEnhanced=2016`,
      'GetDetectInfoEnhanced',
      `members as ${types}`,
      '2016',
    ),
  ),
  ...['InvalidParameterValue.BizTokenExpired', ...readErrors, ...wireFaults].map((code) =>
    web(`GetDetectInfoEnhanced=${code}`, 'GetDetectInfoEnhanced', code, code),
  ),
  ...eachError('DetectAuth').map((code) => web(`DetectAuth=${code}`, 'DetectAuth', code, code)),

  ...(
    ['BankCard2EVerification', 'BankCardVerification', 'BankCard4EVerification'] as const
  ).flatMap((action) => [
    ...bankCardCodes[action].map(({ code, title }) =>
      bankCard(action, `sandbox:${code}`, title, code),
    ),
    bankCard(action, 'sandbox:-99', 'a code that no table has', '-99'),
    ...eachError(action).map((code) => bankCard(action, `sandbox:${code}`, code, code)),
  ]),
  bankCard(
    ...(['BankCard4EVerification', '韦小宝', 'the page, example 2', '-6'] as const),
    '6226090210146748',
  ),
];

function eachError(action: keyof typeof businessErrors): string[] {
  return [...new Set([...businessErrors[action], ...commonErrors, ...wireFaults])];
}

function eId(
  order: string,
  action: string,
  title: string,
  expect: string,
  options?: Record<string, unknown>,
): Scenario {
  return {
    provider,
    action,
    title,
    input: {
      channel: 'E_ID',
      subject,
      extra: `sandbox:${order}`,
      ...(options ? { options: { tencentCnEId: options } } : {}),
    },
    expect,
  };
}

function web(order: string, action: string, title: string, expect: string): Scenario {
  const input = { channel: 'FACE_WEB', provider, subject, extra: `sandbox:${order}` };
  return { provider, action, title, input, expect };
}

function faceSdk(order: string, action: string, title: string, expect: string): Scenario {
  return {
    provider,
    action,
    title,
    input: { channel: 'FACE_SDK', subject, extra: `sandbox:${order}` },
    expect,
  };
}

function bankCard(
  action: keyof typeof bankCardCodes,
  name: string,
  title: string,
  expect: string,
  cardNumber = '6225768888888888',
): Scenario {
  const inputs = {
    BankCard2EVerification: { subject: { name } },
    BankCardVerification: { subject: { ...subject, name } },
    BankCard4EVerification: { subject: { ...subject, name }, phone: '16137688175' },
  };
  return { provider, action, title, input: { ...inputs[action], cardNumber }, expect };
}
