import type { FaultKind, TerminalStatus } from '../../src/contract/plugin-api.ts';

/** This project's name for a refused X-Ca-Nonce. No document states the gateway's code for it. */
export const nonceRefused = 'NonceRefused';

/**
 * What each error proves. Codes of eight digits are the page's. Codes of six characters are the gateway's
 * (X-Ca-Error-Code; Alibaba Cloud API Gateway, "Error codes", 2026-11-22); the gateway responds before
 * anything is performed unless it blames the backend. Other codes count as "may have been performed".
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

  // The authorisation does not cover this call, or has expired.
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

  // Units are used up or expired, or the API publisher's own account is in arrears.
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

  // The request is malformed.
  I400HD: 'rejected',
  I400MH: 'rejected',
  I400BD: 'rejected',
  I400PA: 'rejected',
  I400RU: 'rejected',
  I400CT: 'rejected',
  I413RL: 'rejected',
  I413UL: 'rejected',

  // The gateway blames the backend or itself: the call may have been performed.
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

/** The six texts that the page lists for 30500101, by what tells them apart. */
const parameterErrors: readonly (readonly [text: RegExp, explanation: string])[] = [
  [/faceauthMode/u, 'faceauthMode is missing.'],
  [/人脸认证方式/u, 'faceauthMode is wrong.'],
  [/name/u, 'The name is missing.'],
  [/idNo/u, 'The ID number is missing.'],
  [/callbackUrl/u, 'callbackUrl is missing.'],
  [/身份证号码/u, 'The ID number is not a resident ID number.'],
];

/** What a code with several meanings means in a response with this text. */
export function explain(code: string, text: string): string | undefined {
  if (code !== '30500101') return undefined;
  return parameterErrors.find(([pattern]) => pattern.test(text))?.[1];
}

/**
 * Codes of the queries that describe the flow (e签宝's own pages; it is not known whether OEMCloud passes
 * them through).
 */
export const flowCodes: Readonly<Record<string, 'expired' | 'pending' | 'not_told'>> = {
  '30500001': 'not_told',
  '30500002': 'not_told',
  '30500003': 'expired',
  '30500004': 'not_told',
  // The person has not started the face check.
  '30503055': 'pending',
};

/** Status words of the queries. FINISH, from an old sample, does not say how the flow ended. */
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
  1445011: failed('OTHER', '认证失败'),
  1445034: failed('DEVICE_UNSUPPORTED', '当前浏览器不支持该认证方式，请使用其他浏览器操作'),
  1445035: failed('DEVICE_UNSUPPORTED', '当前设备不支持该认证方式，请使用其他设备操作'),
  1445409: {
    status: 'UNDETERMINED',
    reason: 'PROVIDER_ERROR',
    message: '网络不给力，请稍后再试',
  },
  1445700: failed('READING_FAILED', '认证表达结果与标准答案不一致'),
  1445701: failed('READING_FAILED', '认证视频用户回答音频无声音'),
  1445702: failed('READING_FAILED', '语音识别服务异常'),
  1445813: failed('CAPTURE_FAILED', '眼睛被遮挡，请检测眼镜或周围光线'),
  1445900: failed('FACE_MISMATCH', '无法判断为同一人，请确认身份后重试'),
  1445902: failed('IDENTITY_MISMATCH', '姓名或身份证号有误'),
  1445907: failed('FACE_MISMATCH', '比对相似度未达到通过标准'),
  1445909: failed('IDENTITY_DATA_INVALID', '姓名格式有误'),
  1445910: failed('IDENTITY_DATA_INVALID', '证件号格式有误'),
};
