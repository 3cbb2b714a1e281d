import { tencentCn } from '../../providers/tencent-cn/index.ts';
import type { ConformanceSubject } from '../../src/conformance/index.ts';
import { readFixture } from './read-fixture.ts';

const recorded = (name: string) => readFixture('tencent-cn', name);
const response = (members: object) => ({ body: { Response: { ...members, RequestId: 'r-1' } } });
const errorAnswer = (Code: string) => response({ Error: { Code, Message: '错误' } });

/** The invented persons of the vendor's documentation. */
const somebody = { name: '韦小宝', idNumber: '11204416541220243X' };
const another = { name: '刘洋', idNumber: '440305199505132561' };
const referenceImage = Buffer.from('a photo of nobody, as bytes').toString('base64');
const card = {
  subject: somebody,
  cardNumber: '6225768888888888',
  phone: '16137688175',
  certType: 0,
};

const finished = { CheckEidTokenStatus: recorded('CheckEidTokenStatus') };
const eidResult = (members: object) => ({ ...finished, GetEidResult: response(members) });
const eidCode = (ErrCode: number, more: object = {}) => eidResult({ Text: { ErrCode }, ...more });

/** From the sample of page 31816; the address is shortened. */
const detectAuth = {
  BizToken: '8D5A0C4B-3A6D-4F2C-9B7E-5C6B0E0F1A2B',
  Url: 'https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0000000000000000',
};

export const tencentCnSubject: ConformanceSubject = {
  provider: tencentCn,
  settings: (endpoint) => ({
    SECRET_ID: 'AKIDconformanceconformance',
    SECRET_KEY: 'conformance-secret-key',
    MERCHANT_ID: '0NSJ240626160443125212',
    WEB_RULE_ID: '1',
    ENDPOINT: endpoint,
  }),
  errorAnswer,
  // Names and numbers of the persons come back in the results.
  personal: [...Object.values(somebody), ...Object.values(another)],
  starts: [
    {
      title: 'the page’s example',
      channel: 'E_ID',
      input: { subject: somebody, options: { inputType: 'CALLER_PASSES' } },
      answers: { GetEidToken: recorded('GetEidToken') },
      sends: {
        GetEidToken: {
          method: 'POST',
          path: '/',
          headers: { 'x-tc-action': 'GetEidToken', 'x-tc-version': '2018-03-01' },
          body: { MerchantId: '0NSJ240626160443125212', Name: somebody.name },
        },
      },
      expect: {
        launch: { kind: 'redirect', token: 'CE661F1A-0F1E-45BD-BE13-34C05CEA7681' },
        expiresInSeconds: 600,
      },
    },
    {
      title: 'with an intention to read aloud',
      channel: 'E_ID',
      input: {
        subject: somebody,
        options: { useIntentionVerify: true, intentionVerifyText: '我同意' },
      },
      answers: { GetEidToken: recorded('GetEidToken') },
      checks: ['DOCUMENT', 'LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD', 'INTENTION'],
      expect: { expiresInSeconds: 600 },
    },
    {
      title: 'with questions and answers',
      channel: 'E_ID',
      input: {
        subject: somebody,
        options: {
          useIntentionVerify: true,
          intentionMode: 'QUESTION_AND_ANSWER',
          intentionQuestions: [{ question: '您同意吗？', answers: ['同意'] }],
        },
      },
      answers: { GetEidToken: recorded('GetEidToken') },
      checks: ['DOCUMENT', 'LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD', 'INTENTION'],
      expect: { expiresInSeconds: 600 },
    },
    {
      title: 'with a text to nod at',
      channel: 'E_ID',
      input: {
        subject: somebody,
        options: {
          useIntentionVerify: true,
          intentionMode: 'NOD',
          intentionActions: [{ text: '您同意请点头' }],
        },
      },
      answers: { GetEidToken: recorded('GetEidToken') },
      checks: ['DOCUMENT', 'LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD', 'INTENTION'],
      expect: { expiresInSeconds: 600 },
    },
    {
      title: 'nobody is named though the caller passes',
      channel: 'E_ID',
      input: { options: { inputType: 'CALLER_PASSES' } },
      expect: { problems: ['subject.name', 'subject.idNumber'] },
    },
    {
      title: 'somebody who is not registered',
      channel: 'E_ID',
      input: { subject: somebody },
      answers: { GetEidToken: errorAnswer('FailedOperation.UnregisteredEid') },
      expect: { fault: 'rejected' },
    },
    {
      title: 'the page’s example',
      channel: 'FACE_SDK',
      input: { subject: another, options: { compareLib: 'BUSINESS' } },
      answers: { GetFaceIdToken: recorded('GetFaceIdToken') },
      checks: ['LIVENESS', 'FACE_MATCH', 'IDENTITY_RECORD'],
      sends: { GetFaceIdToken: { body: { CompareLib: 'BUSINESS', IdCard: another.idNumber } } },
      expect: {
        launch: { kind: 'sdk_token', token: '42S41B31D-5974-4674-EABB-8FFF1EC99F819' },
      },
    },
    {
      title: 'a photo of the caller’s',
      channel: 'FACE_SDK',
      input: { referenceImage, options: { compareLib: 'LOCAL' } },
      answers: { GetFaceIdToken: recorded('GetFaceIdToken') },
      sends: { GetFaceIdToken: { body: { CompareLib: 'LOCAL', ImageBase64: referenceImage } } },
      expect: { expiresInSeconds: 600 },
    },
    {
      title: 'the page inside WeChat',
      channel: 'FACE_WEB',
      input: { subject: somebody },
      answers: { DetectAuth: response(detectAuth) },
      sends: {
        DetectAuth: {
          headers: { 'x-tc-action': 'DetectAuth', 'x-tc-version': '2018-03-01' },
          body: { RuleId: '1', Name: somebody.name, IdCard: somebody.idNumber },
        },
      },
      expect: {
        launch: { kind: 'redirect', url: detectAuth.Url, token: detectAuth.BizToken },
        expiresInSeconds: 7200,
      },
    },
    {
      title: 'with a photo of the caller’s, and questions',
      channel: 'FACE_WEB',
      input: {
        referenceImage,
        options: {
          ruleId: '2',
          intentionQuestions: [{ question: '您同意吗？', answers: ['同意'] }],
        },
      },
      answers: { DetectAuth: response(detectAuth) },
      sends: { DetectAuth: { body: { RuleId: '2', ImageBase64: referenceImage } } },
      checks: ['LIVENESS', 'FACE_MATCH', 'INTENTION'],
      expect: { expiresInSeconds: 7200 },
    },
    {
      title: 'a rule that does not exist',
      channel: 'FACE_WEB',
      input: { subject: somebody },
      answers: { DetectAuth: errorAnswer('InvalidParameterValue.RuleIdNotExist') },
      expect: { fault: 'misconfigured' },
    },
    {
      title: 'two kinds of intention',
      channel: 'FACE_WEB',
      input: { options: { intentionVerifyText: '我同意', intentionActions: [{ text: '请点头' }] } },
      expect: { problems: ['options.tencentCnWeb.intentionVerifyText'] },
    },
    {
      title: 'a page to return to, which an app has not',
      channel: 'FACE_SDK',
      input: { subject: another, hasRedirectUrl: true },
      expect: { problems: ['redirectUrl'] },
    },
  ],
  outcomes: [
    {
      title: 'passed',
      channel: 'E_ID',
      answers: { ...finished, GetEidResult: recorded('GetEidResult') },
      sends: { GetEidResult: { body: { EidToken: 'CE661F1A-0F1E-45BD-BE13-34C05CEA7681' } } },
      expect: {
        status: 'PASSED',
        code: '0',
        similarity: 97.31,
        billing: 'CHARGED',
        chargedAttempts: 1,
      },
    },
    {
      title: 'another face',
      channel: 'E_ID',
      answers: eidCode(2016),
      expect: { status: 'FAILED', code: '2016' },
    },
    {
      title: 'a code that no table has',
      channel: 'E_ID',
      answers: eidCode(9999),
      expect: { status: 'UNDETERMINED', reason: 'OTHER', billing: 'UNKNOWN' },
    },
    {
      title: 'the person has not begun',
      channel: 'E_ID',
      answers: { CheckEidTokenStatus: response({ Status: 'init' }) },
      expect: 'pending',
    },
    {
      title: 'the face without the intention that was asked for',
      channel: 'E_ID',
      after: 'with an intention to read aloud',
      answers: eidCode(0),
      expect: 'not_told',
    },
    {
      title: 'a token that is not known',
      channel: 'E_ID',
      answers: {
        ...finished,
        GetEidResult: errorAnswer('InvalidParameterValue.BizTokenIllegal'),
      },
      expect: 'not_told',
    },
    {
      title: 'passed',
      channel: 'FACE_SDK',
      answers: { GetFaceIdResult: recorded('GetFaceIdResult') },
      expect: { status: 'PASSED', code: '0', similarity: 98.66 },
    },
    {
      title: 'a code that no table has',
      channel: 'FACE_SDK',
      answers: { GetFaceIdResult: response({ Result: '9999' }) },
      expect: { status: 'UNDETERMINED', reason: 'OTHER' },
    },
    {
      title: 'throttled in a result',
      channel: 'FACE_SDK',
      answers: { GetFaceIdResult: errorAnswer('RequestLimitExceeded') },
      expect: { fault: 'throttled' },
    },
    {
      title: 'passed',
      channel: 'FACE_WEB',
      answers: {
        GetDetectInfoEnhanced: response({
          Text: {
            ...{ ErrCode: 0, Sim: '97.31', Name: somebody.name, IdCard: somebody.idNumber },
            LivenessDetail: [{ ReqTime: '1730451371368', Errcode: 0, IsNeedCharge: true }],
          },
          IsVerifyIntention: false,
          IntentionVerifyData: { ErrorCode: null },
        }),
      },
      sends: { GetDetectInfoEnhanced: { body: { RuleId: '1', InfoType: '1' } } },
      expect: { status: 'PASSED', code: '0', billing: 'CHARGED', chargedAttempts: 1 },
    },
    {
      title: 'another face, and the person may try again',
      channel: 'FACE_WEB',
      answers: { GetDetectInfoEnhanced: response({ Text: { ErrCode: 2016, LivenessDetail: [] } }) },
      expect: 'pending',
    },
    {
      title: 'no tries are left',
      channel: 'FACE_WEB',
      answers: { GetDetectInfoEnhanced: response({ Text: { ErrCode: 16, LivenessDetail: [] } }) },
      expect: { status: 'FAILED', reason: 'RETRIES_EXHAUSTED' },
    },
    ...[{}, { Text: null }, { Text: { ErrCode: null, Name: '' } }, { Text: { ErrCode: 17 } }].map(
      (shape, at) => ({
        title: `the person has not finished, shape ${at + 1}`,
        channel: 'FACE_WEB',
        answers: { GetDetectInfoEnhanced: response(shape) },
        expect: 'pending' as const,
      }),
    ),
    {
      title: 'a token that is not known',
      channel: 'FACE_WEB',
      answers: { GetDetectInfoEnhanced: errorAnswer('InvalidParameter') },
      expect: 'not_told',
    },
  ],
  bankCards: [
    {
      title: 'matched',
      input: card,
      answers: { BankCard4EVerification: recorded('BankCard4EVerification') },
      sends: { BankCard4EVerification: { body: { BankCard: card.cardNumber, CertType: 0 } } },
      expect: { outcome: 'MATCHED', code: '0', billing: 'CHARGED' },
    },
    {
      title: 'somebody else’s',
      input: card,
      answers: { BankCard4EVerification: response({ Result: '-6' }) },
      expect: { outcome: 'MISMATCHED', code: '-6' },
    },
    {
      title: 'a code that no table has',
      input: card,
      answers: { BankCard4EVerification: response({ Result: '-99' }) },
      expect: { outcome: 'UNDETERMINED', billing: 'UNKNOWN' },
    },
    {
      title: 'busy, which is no answer',
      input: card,
      answers: { BankCard4EVerification: response({ Result: '-18' }) },
      expect: { fault: 'busy' },
    },
    {
      title: 'no card number',
      input: { ...card, cardNumber: '' },
      expect: { problems: ['cardNumber'] },
    },
    {
      title: 'two elements match',
      input: { subject: { name: somebody.name, idNumber: null }, cardNumber: card.cardNumber },
      answers: { BankCard2EVerification: response({ Result: '0' }) },
      sends: {
        BankCard2EVerification: { body: { Name: somebody.name, BankCard: card.cardNumber } },
      },
      expect: { outcome: 'MATCHED', code: '0', billing: 'CHARGED' },
    },
    {
      title: 'two elements, another holder: a number that is a refusal with more elements',
      input: { subject: { name: somebody.name, idNumber: null }, cardNumber: card.cardNumber },
      answers: { BankCard2EVerification: response({ Result: '-4' }) },
      expect: { outcome: 'MISMATCHED', code: '-4', billing: 'CHARGED' },
    },
    {
      title: 'three elements match',
      input: { subject: somebody, cardNumber: card.cardNumber },
      answers: { BankCardVerification: response({ Result: '0' }) },
      sends: { BankCardVerification: { body: { IdCard: somebody.idNumber, CertType: 0 } } },
      expect: { outcome: 'MATCHED', code: '0', billing: 'CHARGED' },
    },
    {
      title: 'three elements, the format of the card number',
      input: { subject: somebody, cardNumber: card.cardNumber },
      answers: { BankCardVerification: response({ Result: '-4' }) },
      expect: { outcome: 'INPUT_REFUSED', code: '-4', billing: 'NOT_CHARGED' },
    },
  ],
};
