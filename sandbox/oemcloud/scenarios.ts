import { wireFaults } from '../magic.ts';
import type { Scenario } from '../scenario.ts';
import { businessErrors, faceCodes, gatewayErrors, parameterErrors, queryErrors } from './codes.ts';

/** The invented person of another provider's documentation. */
const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const start = 'individual/face';

/** The query behind each value of OEMCLOUD_OUTCOME. */
const queryActions: Readonly<Record<string, string>> = {
  outline: 'common/outline',
  detail: 'common/detail',
  face: 'pub/individual/face',
};

/** The scenarios for a value of OEMCLOUD_OUTCOME. Each query has its own responses. */
export function oemcloudScenarios(outcome: string): readonly Scenario[] {
  const query = queryActions[outcome];
  return [
    ...[...Object.keys(businessErrors), ...Object.keys(gatewayErrors), ...wireFaults].map((code) =>
      scenario(start, code, titleOf(code), `${start}=${code}`),
    ),
    scenario(start, '30599999', 'a code that no table has', `${start}=30599999`),
    scenario(start, 'Z499ZZ', 'a code of the gateway that no table has', `${start}=Z499ZZ`),
    scenario(start, '30500101', 'the same under HTTP 400', `${start}=30500101 sandbox:http=400`),
    ...Object.entries(parameterErrors).map(([meaning, text]) =>
      scenario(start, '30500101', text, `${start}=30500101 sandbox:meaning=${meaning}`),
    ),
    scenario(start, 'I400NU', 'the nonce is refused, twice', 'nonce=refused'),
    {
      ...scenario(start, '30500101', 'callbackUrl is always required', 'callback=strict'),
      input: {
        channel: 'FACE_ALIPAY',
        subject,
        extra: 'sandbox:callback=strict',
        options: { oemcloudFace: { receivesWebviewMessages: true } },
      },
    },
    ...shapes.map(([order, title, channel]) =>
      scenario(start, '0', title, `${order} sandbox:outcome=INIT`, channel),
    ),
    ...(query === undefined ? [] : outcomesOf(query)),
    ...(outcome === 'notification' ? notifications : []),
  ];
}

const failures = faceCodes.filter(({ code }) => code !== '0');

/** Variants of a start that the page leaves open. */
const shapes: readonly (readonly [order: string, title: string, channel?: string])[] = [
  ['nonce=refused-once', 'the nonce is refused, and a new one is accepted'],
  ['envelope=flat', 'the fields next to the code, as in the table of the page'],
  ['flowId=number', 'flowId as a number'],
  ['expire=absent', 'the link without an expiry'],
  ['url=once', 'the link works once'],
  ['lifetime=60', 'the link expires after one minute'],
  ['envelope=nested', 'in Alipay', 'FACE_ALIPAY'],
  ['envelope=nested', 'in a WeChat mini-program', 'FACE_WECHAT_MINI_PROGRAM'],
];

function outcomesOf(action: string): Scenario[] {
  const words = ['INIT', 'ING', 'SCAN', 'SUCCESS', 'FAIL', 'FINISH', 'SOMETHING_NEW'];
  return [
    ...words.map((word) => scenario(action, word, `status ${word}`, `outcome=${word}`)),
    // Only this query returns the reason of a failure.
    ...(action === 'pub/individual/face'
      ? failures.map(({ code, title }) => scenario(action, code, title, `outcome=${code}`))
      : []),
    ...[...Object.keys(queryErrors), 'T429PA', 'D504TO', 'A400AC', ...wireFaults].map((code) =>
      scenario(action, code, titleOf(code), `outcome=${code}`),
    ),
    ...['SUCCESS', 'FAIL'].flatMap((word) =>
      ['FACE_ALIPAY', 'FACE_WECHAT_MINI_PROGRAM'].map((channel) =>
        scenario(action, word, `status ${word}`, `outcome=${word}`, channel),
      ),
    ),
  ];
}

const notifications: readonly Scenario[] = [
  scenario('notification', 'SUCCESS', 'passed 通过', 'outcome=SUCCESS'),
  ...failures.map(({ code, title }) => scenario('notification', code, title, `outcome=${code}`)),
  scenario(
    'notification',
    'SUCCESS',
    'flowId as a number',
    'flowId=number sandbox:outcome=SUCCESS',
  ),
  scenario('notification', 'twice', 'notified twice', 'notify=twice sandbox:outcome=SUCCESS'),
  scenario('notification', 'never', 'never notified', 'notify=never sandbox:outcome=SUCCESS'),
  scenario(
    'notification',
    'passes-only',
    'failures are not notified',
    'notify=passes-only sandbox:outcome=FAIL',
  ),
];

function titleOf(code: string): string {
  const texts: Readonly<Record<string, string>> = {
    ...gatewayErrors,
    ...queryErrors,
    ...businessErrors,
  };
  return texts[code] ?? code;
}

function scenario(
  action: string,
  expect: string,
  title: string,
  order: string,
  channel = 'FACE_WEB',
): Scenario {
  return {
    provider: 'oemcloud',
    action,
    title,
    input: { channel, provider: 'oemcloud', subject, extra: `sandbox:${order}` },
    expect,
  };
}
