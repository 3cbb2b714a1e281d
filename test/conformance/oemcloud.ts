import { oemcloud } from '../../providers/oemcloud/index.ts';
import type { ConformanceSubject, RecordedAnswer } from '../../src/conformance/index.ts';
import { readFixture } from './read-fixture.ts';

const recorded = (name: string) => readFixture('oemcloud', name);
/** The gateway sends its error code in headers, the service sends eight digits in the body. */
const errorAnswer = (code: string): RecordedAnswer => {
  if (/^\d{8}$/u.test(code)) return { body: { code: Number(code), message: '错误', data: null } };
  const isNonce = code === 'NonceRefused';
  return {
    status: 400,
    headers: {
      'x-ca-error-code': isNonce ? 'I400NU' : code,
      'x-ca-error-message': isNonce ? 'Nonce Used' : 'Refused',
    },
    body: '',
  };
};

/** The invented person of another vendor's documentation. */
const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const page = recorded('individual-face').body as { readonly data: object };
/** A recorded link has expired. */
const begun = { body: { ...page, data: { ...page.data, expire: Date.now() + 1_800_000 } } };
const started = { 'individual/face': begun };
const face = (data: object) => ({ 'pub/individual/face': { body: { code: 0, data } } });
const flowId = '1862291536444700249';
const byNotification = { OUTCOME: 'notification' };

export const oemcloudSubject: ConformanceSubject = {
  provider: oemcloud,
  settings: (endpoint) => ({
    APP_CODE: 'conformanceconformance0000000000',
    OUTCOME: 'face',
    ENDPOINT: endpoint,
  }),
  errorAnswer,
  personal: Object.values(subject),
  starts: [
    {
      title: 'a web page',
      channel: 'FACE_WEB',
      input: { subject, extra: 'order-7' },
      answers: started,
      sends: {
        'individual/face': {
          method: 'POST',
          path: '/v2/identity/auth/api/individual/face',
          body: { idNo: subject.idNumber, faceauthMode: 'TENCENT', contextId: 'order-7' },
        },
      },
      expect: { launch: { kind: 'redirect', url: 'https://smlt.tsign.example/I7vLahiqTMqT' } },
    },
    {
      title: 'in Alipay',
      channel: 'FACE_ALIPAY',
      input: { subject, options: { receivesWebviewMessages: true } },
      answers: started,
      expect: { launch: { kind: 'redirect' } },
    },
    {
      title: 'in a mini-program',
      channel: 'FACE_WECHAT_MINI_PROGRAM',
      input: { subject },
      answers: started,
      expect: {
        launch: { kind: 'mini_program', token: '2F803B97-0B3A-4EE0-A8A4-44564A292492' },
      },
    },
    {
      title: 'the nonce is refused once',
      channel: 'FACE_WEB',
      input: { subject },
      answers: {
        'individual/face': [errorAnswer('NonceRefused'), begun],
      },
      expect: { launch: { kind: 'redirect' } },
    },
    {
      title: 'a link is missing',
      channel: 'FACE_WEB',
      input: { subject },
      answers: { 'individual/face': { body: { code: 0, data: { flowId } } } },
      expect: { fault: 'protocol' },
    },
    {
      title: 'nobody is named',
      channel: 'FACE_WEB',
      input: {},
      expect: { problems: ['subject.name', 'subject.idNumber'] },
    },
    {
      title: 'units used up',
      channel: 'FACE_WEB',
      input: { subject },
      answers: { 'individual/face': errorAnswer('30503107') },
      expect: { fault: 'quota_exhausted' },
    },
  ],
  outcomes: [
    ...['FACE_WEB', 'FACE_ALIPAY', 'FACE_WECHAT_MINI_PROGRAM'].flatMap((channel) => [
      {
        title: 'passed',
        channel,
        answers: { 'pub/individual/face': recorded('pub-individual-face') },
        expect: { status: 'PASSED', similarity: 97.31, billing: 'UNKNOWN' },
      } as const,
      {
        title: 'another face',
        channel,
        answers: face({ status: 'FAIL', failedReasonCode: 1_445_900 }),
        expect: { status: 'FAILED', reason: 'FACE_MISMATCH', code: '1445900' },
      } as const,
    ]),
    {
      title: 'passed, by detail',
      channel: 'FACE_WEB',
      settings: { OUTCOME: 'detail' },
      answers: { 'common/detail': recorded('common-detail') },
      expect: { status: 'PASSED', completedAtMs: 1_732_262_400_000 },
    },
    {
      title: 'passed, by outline',
      channel: 'FACE_WEB',
      settings: { OUTCOME: 'outline' },
      answers: { 'common/outline': recorded('common-outline') },
      expect: { status: 'PASSED' },
    },
    {
      title: 'the person is at it',
      channel: 'FACE_WEB',
      answers: face({ status: 'ING' }),
      expect: 'pending',
    },
    {
      title: 'a status that no table has',
      channel: 'FACE_WEB',
      answers: face({ status: 'FINISH' }),
      expect: 'not_told',
    },
    {
      title: 'the link is over',
      channel: 'FACE_WEB',
      answers: { 'pub/individual/face': errorAnswer('30500003') },
      expect: { status: 'EXPIRED' },
    },
  ],
  notifications: ['FACE_WEB', 'FACE_ALIPAY', 'FACE_WECHAT_MINI_PROGRAM'].flatMap((channel) => [
    {
      title: 'passed',
      channel,
      settings: byNotification,
      deliver: () => ({ body: Buffer.from(JSON.stringify(recorded('notification').body)) }),
      expect: { status: 'PASSED', billing: 'UNKNOWN' },
    } as const,
    {
      title: 'another face',
      channel,
      settings: byNotification,
      deliver: () => ({
        body: Buffer.from(JSON.stringify({ flowId, success: false, failReasonCode: '1445900' })),
      }),
      expect: { status: 'FAILED', reason: 'FACE_MISMATCH' },
    } as const,
    {
      title: 'a word against another',
      channel,
      settings: byNotification,
      deliver: () => ({
        body: Buffer.from(JSON.stringify({ flowId, success: true, status: false })),
      }),
      expect: 'nothing',
    } as const,
  ]),
};
