import { wireFaults } from '../magic.ts';
import type { Scenario } from '../scenario.ts';
import { commonErrors, readErrors } from '../tencent/common-errors.ts';
import { applyErrors, webCodes } from './codes.ts';
import { documents } from './documents.ts';

/** Not a real picture: the sample of the page is masked and cannot be sent. */
const referenceImage = Buffer.from('not a picture').toString('base64');

export const tencentIntlScenarios: readonly Scenario[] = [
  ...webCodes.map(({ code, title }) => result(code, title)),
  result('9999', 'a code that no table has'),
  ...['unfinished-absent', 'unfinished-null'].map((shape) => result(shape, 'not finished')),
  ...[
    ['types=text', 'members as text'],
    ['types=number', 'members as numbers'],
    ['url-field=old', 'the older member of the URL'],
    ['lifetime=7200', 'a token that lives two hours'],
    ['media=8', 'a recording of 8 MB'],
  ].map(([order = '', title = '']) => result('0', title, `sandbox:${order} `)),
  ...['InvalidParameterValue.BizTokenExpired', 'InvalidParameterValue.BizTokenIllegal'].map(
    (code) => result(code, 'the token is not accepted'),
  ),
  ...[...readErrors, ...wireFaults].map((code) => result(code, code)),
  {
    ...result('ocr-failed', 'code 0, but the document did not pass'),
    input: {
      channel: 'FACE_WEB',
      extra: 'sandbox:GetWebVerificationResultIntl=ocr-failed',
      options: {
        tencentIntlWeb: { checkMode: 'OCR_LIVENESS_COMPARE', idCardType: 'HK_ID_CARD' },
      },
    },
    expect: '0',
  },
  ...Object.entries(documents).flatMap(([member, { normal, card }]) => [
    ...(normal === null ? [] : [document(member, `document=${member}`)]),
    ...(card === null ? [] : [document(member, `document=${member} sandbox:card-form=old`)]),
  ]),
  ...[...new Set([...applyErrors, ...commonErrors, ...wireFaults])].map(start),
];

function document(member: string, order: string): Scenario {
  return {
    ...result('0', `a document: ${member}`),
    input: {
      channel: 'FACE_WEB',
      extra: `sandbox:${order} sandbox:GetWebVerificationResultIntl=0`,
      options: { tencentIntlWeb: { checkMode: 'OCR_LIVENESS_COMPARE' } },
    },
  };
}

function result(code: string, title: string, shape = ''): Scenario {
  return scenario('GetWebVerificationResultIntl', code, title, shape);
}

function start(code: string): Scenario {
  return scenario('ApplyWebVerificationBizTokenIntl', code, code);
}

/** An order for a shape precedes the order for the code: `sandbox:types=text `. */
function scenario(action: string, code: string, title: string, shape = ''): Scenario {
  return {
    provider: 'tencent-intl',
    action,
    title,
    input: {
      channel: 'FACE_WEB',
      provider: 'tencent-intl',
      referenceImage,
      extra: `${shape}sandbox:${action}=${code}`,
    },
    expect: code,
  };
}
