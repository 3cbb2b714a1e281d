import type { Billing, TerminalStatus } from '../../src/contract/plugin-api.ts';
import { each, range } from '../shared/tables.ts';

export interface WebCodeMeaning {
  readonly status: TerminalStatus | 'PENDING';
  readonly reason: string;
  readonly message: string;
  /** UNKNOWN if the provider's table could not be read completely. */
  readonly billing: Billing;
}

const free = { billing: 'NOT_CHARGED' } as const;

const serviceError = {
  status: 'UNDETERMINED',
  reason: 'PROVIDER_ERROR',
  message: 'The service or the call had a fault.',
  ...free,
} as const satisfies WebCodeMeaning;

const livenessFailed = {
  status: 'FAILED',
  reason: 'LIVENESS_FAILED',
  message: 'The liveness check was not passed.',
  ...free,
} as const satisfies WebCodeMeaning;

const comparisonFailed = {
  status: 'FAILED',
  reason: 'COMPARISON_FAILED',
  message: 'Face and photo could not be compared.',
  billing: 'UNKNOWN',
} as const satisfies WebCodeMeaning;

/**
 * ErrorCode of GetWebVerificationResultIntl. Sources: error codes of the mobile HTML5 product, doc 55390,
 * and announcement 100989 (1409, 1410). 17 is in an older table only.
 */
export const webCodes: Readonly<Record<string, WebCodeMeaning>> = {
  0: { status: 'PASSED', reason: 'VERIFIED', message: 'Passed.', billing: 'CHARGED' },
  ...each([1, 2, 3, 4, 8, 9, 10, 11, 14, 202, 1001], serviceError),
  15: {
    status: 'EXPIRED',
    reason: 'TIMED_OUT',
    message: 'The token has expired.',
    ...free,
  },
  16: { status: 'FAILED', reason: 'RETRIES_EXHAUSTED', message: 'No tries are left.', ...free },
  17: { status: 'PENDING', reason: 'OTHER', message: 'Not finished.', ...free },
  1002: { status: 'FAILED', reason: 'SPOOF_SUSPECTED', message: 'A spoof is suspected.', ...free },
  ...each([1003, 1004, 1005, 1301, 1302, 1303, 1401], livenessFailed),
  ...each(range(1101, 1109), {
    ...livenessFailed,
    reason: 'READING_FAILED',
    message: 'The digits were not read as asked.',
  }),
  ...each(range(1201, 1210), {
    ...livenessFailed,
    reason: 'CAPTURE_FAILED',
    message: 'Light, distance, position or a missing action kept the face from being captured.',
  }),
  1409: {
    status: 'EXPIRED',
    reason: 'TIMED_OUT',
    message: 'The person did not finish in time.',
    ...free,
  },
  1410: { status: 'CANCELLED', reason: 'USER_CANCELLED', message: 'The person left.', ...free },
  2001: { ...serviceError, message: 'The comparison engine had a fault.', billing: 'UNKNOWN' },
  ...each([2004, ...range(2009, 2015)], comparisonFailed),
  // Announcement 100989.
  2012: { ...comparisonFailed, message: 'Several faces were seen.', ...free },
  2016: {
    status: 'FAILED',
    reason: 'FACE_MISMATCH',
    message: 'The likeness is below the threshold.',
    billing: 'UNKNOWN',
  },
};

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
