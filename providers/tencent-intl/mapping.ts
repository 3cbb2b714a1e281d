import type { Billing, TerminalStatus } from '../../src/contract/plugin-api.ts';
import { each, range, withTexts } from '../shared/tables.ts';
import { webTexts } from './texts.ts';

export interface WebCodeMeaning {
  readonly status: TerminalStatus | 'PENDING';
  readonly reason: string;
  /** UNKNOWN if the provider's table could not be read completely. */
  readonly billing: Billing;
}

const free = { billing: 'NOT_CHARGED' } as const;

const serviceError = {
  status: 'UNDETERMINED',
  reason: 'PROVIDER_ERROR',
  ...free,
} as const satisfies WebCodeMeaning;

const livenessFailed = {
  status: 'FAILED',
  reason: 'LIVENESS_FAILED',
  ...free,
} as const satisfies WebCodeMeaning;

const comparisonFailed = {
  status: 'FAILED',
  reason: 'COMPARISON_FAILED',
  billing: 'UNKNOWN',
} as const satisfies WebCodeMeaning;

/**
 * ErrorCode of GetWebVerificationResultIntl. Sources: error codes of the mobile HTML5 product, doc 55390,
 * and announcement 100989 (1409, 1410). 17 is in an older table only, and
 * -999 in that of GetFaceIdResultIntl: both mean "not finished".
 */
export const webCodes: Readonly<
  Record<string, WebCodeMeaning & { readonly message: string | null }>
> = withTexts(webTexts, {
  0: { status: 'PASSED', reason: 'VERIFIED', billing: 'CHARGED' },
  ...each([1, 2, 3, 4, 8, 9, 10, 11, 14, 202, 1001], serviceError),
  15: {
    status: 'EXPIRED',
    reason: 'TIMED_OUT',
    ...free,
  },
  16: { status: 'FAILED', reason: 'RETRIES_EXHAUSTED', ...free },
  ...each([17, -999], { status: 'PENDING', reason: 'OTHER', ...free }),
  1002: { status: 'FAILED', reason: 'SPOOF_SUSPECTED', ...free },
  ...each([1003, 1004, 1005, 1301, 1302, 1303, 1401], livenessFailed),
  ...each(range(1101, 1109), {
    ...livenessFailed,
    reason: 'READING_FAILED',
  }),
  ...each(range(1201, 1210), {
    ...livenessFailed,
    reason: 'CAPTURE_FAILED',
  }),
  1409: {
    status: 'EXPIRED',
    reason: 'TIMED_OUT',
    ...free,
  },
  1410: { status: 'CANCELLED', reason: 'USER_CANCELLED', ...free },
  2001: { ...serviceError, billing: 'UNKNOWN' },
  ...each([2004, ...range(2009, 2015)], comparisonFailed),
  // Announcement 100989.
  2012: { ...comparisonFailed, ...free },
  2016: {
    status: 'FAILED',
    reason: 'FACE_MISMATCH',
    billing: 'UNKNOWN',
  },
});

/** CheckMode. */
export const checkModes = {
  OCR_LIVENESS_COMPARE: { number: 1, checks: ['DOCUMENT', 'LIVENESS', 'FACE_MATCH'] },
  LIVENESS_COMPARE: { number: 2, checks: ['LIVENESS', 'FACE_MATCH'] },
  LIVENESS: { number: 3, checks: ['LIVENESS'] },
  OCR: { number: 4, checks: ['DOCUMENT'] },
} as const;

/** IDCardType. */
export const idCardTypes = {
  HK_ID_CARD: 'HKIDCard',
  ML_ID_CARD: 'MLIDCard',
  INDONESIA_ID_CARD: 'IndonesiaIDCard',
  PHILIPPINES_VOTE_ID: 'PhilippinesVoteID',
  PHILIPPINES_DRIVING_LICENSE: 'PhilippinesDrivingLicense',
  PHILIPPINES_TIN_ID: 'PhilippinesTinID',
  PHILIPPINES_SSS_ID: 'PhilippinesSSSID',
  PHILIPPINES_UMID: 'PhilippinesUMID',
  INTERNATIONAL_ID_PASSPORT: 'InternationalIDPassport',
  THAILAND_ID_CARD: 'ThailandIDCard',
  SINGAPORE_ID_CARD: 'SingaporeIDCard',
  MAINLAND_ID_CARD: 'MainlandIDCard',
} as const;

/** SecurityLevel. */
export const securityLevels = {
  SILENT: { number: 1, hasActions: false },
  ACTION: { number: 2, hasActions: true },
  LIGHT: { number: 3, hasActions: false },
  ACTION_AND_LIGHT: { number: 4, hasActions: true },
  ACTION_AND_LIGHT_HIGH: { number: 5, hasActions: true },
} as const;

export const languages = { TH: 'th', EN: 'en', ZH_CN: 'zh-cn', ZH_TC: 'zh-tc', ID: 'id' } as const;

export const actions = { BLINK: 'blink', MOUTH: 'mouth', NOD: 'nod', SHAKE: 'shake' } as const;

/** Allowed values of SelectedWarningCodes. */
export const warningCodes: readonly number[] = [-9101, -9102, -9103, -9104, -9107, -9108, -9109];
