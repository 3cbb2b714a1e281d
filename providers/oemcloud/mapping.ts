import type { FaultKind, TerminalStatus } from '../../src/contract/plugin-api.ts';

/** What our own name for a refused X-Ca-Nonce is: no document gives the gateway's code for it. */
export const nonceRefused = 'NonceRefused';

/**
 * What each error proves. The codes of eight digits are the page's; those of six characters are the
 * gateway's (X-Ca-Error-Code; Alibaba Cloud API Gateway, "Error codes", 2026-11-22), which answers
 * before anything is performed unless it blames the backend. Codes that are not here count as "may
 * have been done".
 */
export const faults = {
  '30500000': 'internal',
  '30500101': 'rejected',
  '30500116': 'rejected',
  '30503059': 'rejected',
  '30503107': 'quota_exhausted',

  [nonceRefused]: 'credentials',
  // The AppCode is wrong or missing.
  A400AC: 'credentials',
  A401AC: 'credentials',
  A400MA: 'credentials',
  A400IK: 'credentials',
  A403IS: 'credentials',

  // The authorisation does not cover this call, or is over.
  I403AA: 'misconfigured',
  A403EP: 'misconfigured',
  A403PR: 'misconfigured',
  A403IP: 'misconfigured',
  A403VN: 'misconfigured',
  A403AC: 'misconfigured',
  A403CO: 'misconfigured',
  A403IN: 'misconfigured',
  B403MI: 'misconfigured',
  B451DO: 'misconfigured',
  B451GO: 'misconfigured',
  I403PT: 'misconfigured',
  I404DO: 'misconfigured',
  I404NF: 'misconfigured',
  I405UM: 'misconfigured',
  I410GG: 'misconfigured',
  I400SG: 'misconfigured',

  // Units used up or over time; the provider's own account in arrears.
  B403MQ: 'quota_exhausted',
  B403ME: 'quota_exhausted',
  B403OD: 'quota_exhausted',
  B403MO: 'quota_exhausted',

  T429ID: 'throttled',
  T429IN: 'throttled',
  T429GR: 'throttled',
  T429PA: 'throttled',
  T429PR: 'throttled',
  T429SR: 'throttled',
  T429MR: 'throttled',

  // The request is not well formed.
  I400HD: 'rejected',
  I400MH: 'rejected',
  I400BD: 'rejected',
  I400PA: 'rejected',
  I400RU: 'rejected',
  I400CT: 'rejected',
  I413RL: 'rejected',
  I413UL: 'rejected',

  // The gateway blames the backend or itself: the call may have got through.
  D502FC: 'internal',
  D503BB: 'internal',
  D503CB: 'internal',
  D504RE: 'internal',
  D504IL: 'internal',
  D504CO: 'internal',
  D504CS: 'internal',
  D504TO: 'internal',
  N502RE: 'internal',
  X500ER: 'internal',
  X503BZ: 'internal',
  X504VE: 'internal',
} as const satisfies Record<string, FaultKind>;

/**
 * Codes of the queries that say something about the flow (e签宝, the upstream's own pages; whether
 * OEMCloud passes them through is not known).
 */
export const flowCodes: Readonly<Record<string, 'expired' | 'pending' | 'not_told'>> = {
  '30500001': 'not_told',
  '30500002': 'not_told',
  '30500003': 'expired',
  '30500004': 'not_told',
  // Nobody has shown a face yet.
  '30503055': 'pending',
};

/** Status words of the queries. FINISH, of an old sample, does not say how it ended. */
export const flowStatuses: Readonly<Record<string, 'PASSED' | 'FAILED' | 'PENDING'>> = {
  INIT: 'PENDING',
  ING: 'PENDING',
  SCAN: 'PENDING',
  SUCCESS: 'PASSED',
  FAIL: 'FAILED',
};

export interface FailureMeaning {
  readonly status: Extract<TerminalStatus, 'FAILED' | 'UNDETERMINED'>;
  readonly reason: string;
  readonly message: string;
}

const failed = (reason: string, message: string): FailureMeaning => ({
  status: 'FAILED',
  reason,
  message,
});

/** failedReasonCode of the face query (e签宝, "查询刷脸状态", 2026-01-09). */
export const failureCodes: Readonly<Record<string, FailureMeaning>> = {
  1445011: failed('OTHER', 'The verification failed.'),
  1445034: failed('DEVICE_UNSUPPORTED', 'The browser is not supported.'),
  1445035: failed('DEVICE_UNSUPPORTED', 'The device is not supported.'),
  1445409: {
    status: 'UNDETERMINED',
    reason: 'PROVIDER_ERROR',
    message: 'The network failed.',
  },
  1445700: failed('READING_FAILED', 'The answer was not the expected one.'),
  1445701: failed('READING_FAILED', 'There was no sound.'),
  1445702: failed('READING_FAILED', 'The speech was not recognised.'),
  1445813: failed('CAPTURE_FAILED', 'The eyes were covered.'),
  1445900: failed('FACE_MISMATCH', 'It is not the same person.'),
  1445902: failed('IDENTITY_MISMATCH', 'Name and ID number do not belong together.'),
  1445907: failed('FACE_MISMATCH', 'The likeness is too low.'),
  1445909: failed('IDENTITY_DATA_INVALID', 'The name is not well formed.'),
  1445910: failed('IDENTITY_DATA_INVALID', 'The ID number is not well formed.'),
};
