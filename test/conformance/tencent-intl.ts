import { tencentIntl } from '../../providers/tencent-intl/index.ts';
import type { ConformanceSubject } from '../../src/conformance/index.ts';
import { readFixture } from './read-fixture.ts';

const recorded = (name: string) => readFixture('tencent-intl', name);
const response = (members: object) => ({ body: { Response: { ...members, RequestId: 'r-1' } } });
const errorAnswer = (Code: string) => response({ Error: { Code, Message: 'Error' } });

const referenceImage = Buffer.from('a photo of nobody, as bytes').toString('base64');
const started = {
  ApplyWebVerificationBizTokenIntl: recorded('ApplyWebVerificationBizTokenIntl'),
};
const result = (members: object) => ({ GetWebVerificationResultIntl: response(members) });

export const tencentIntlSubject: ConformanceSubject = {
  provider: tencentIntl,
  settings: (endpoint) => ({
    SECRET_ID: 'IKIDconformanceconformance',
    SECRET_KEY: 'conformance-secret-key',
    ENDPOINT: endpoint,
  }),
  errorAnswer,
  personal: ['ZHANG SAN'],
  starts: [
    {
      title: 'a photo to compare with',
      channel: 'FACE_WEB',
      input: { referenceImage },
      answers: started,
      sends: {
        ApplyWebVerificationBizTokenIntl: {
          headers: { 'x-tc-region': 'ap-singapore' },
          body: { CompareImageBase64: referenceImage },
        },
      },
      expect: {
        launch: { kind: 'redirect', token: '81EEF678-28EE-4759-A82E-6CBBBE6BC442' },
        expiresInSeconds: 600,
      },
    },
    {
      title: 'a document only',
      channel: 'FACE_WEB',
      input: { options: { checkMode: 'OCR', idCardType: 'INTERNATIONAL_ID_PASSPORT' } },
      answers: started,
      checks: ['DOCUMENT'],
      expect: { expiresInSeconds: 600 },
    },
    {
      title: 'the photo of a rule',
      channel: 'FACE_WEB',
      input: { options: { ruleId: 'rule-1' } },
      answers: started,
      sends: { ApplyWebVerificationBizTokenIntl: { body: { RuleId: 'rule-1' } } },
      expect: { expiresInSeconds: 600 },
    },
    {
      title: 'nothing to compare with',
      channel: 'FACE_WEB',
      input: {},
      expect: { problems: ['referenceImage'] },
    },
    {
      title: 'arrears',
      channel: 'FACE_WEB',
      input: { referenceImage },
      answers: {
        ApplyWebVerificationBizTokenIntl: errorAnswer('UnauthorizedOperation.Arrears'),
      },
      expect: { fault: 'quota_exhausted' },
    },
  ],
  outcomes: [
    {
      title: 'passed',
      channel: 'FACE_WEB',
      answers: { GetWebVerificationResultIntl: recorded('GetWebVerificationResultIntl') },
      expect: { status: 'PASSED', code: '0', similarity: 91.2, billing: 'CHARGED' },
    },
    {
      title: 'passed, with a document that did not, while the person may try again',
      channel: 'FACE_WEB',
      answers: result({ ErrorCode: 0, OCRResult: [{ IsPass: false }] }),
      expect: 'pending',
    },
    {
      title: 'the person left',
      channel: 'FACE_WEB',
      answers: result({ ErrorCode: 1410 }),
      expect: { status: 'CANCELLED', billing: 'NOT_CHARGED' },
    },
    {
      title: 'a code that no table has, while the person may try again',
      channel: 'FACE_WEB',
      answers: result({ ErrorCode: 4242 }),
      expect: 'pending',
    },
    { title: 'not finished', channel: 'FACE_WEB', answers: result({}), expect: 'pending' },
    {
      title: 'a token that is not known',
      channel: 'FACE_WEB',
      answers: {
        GetWebVerificationResultIntl: errorAnswer('InvalidParameterValue.BizTokenIllegal'),
      },
      expect: 'not_told',
    },
  ],
};
