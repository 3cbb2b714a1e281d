// Tables of the vendors' documentation, written from it and not from the plugins or the sandbox.
// Sources: docs 1007/115318 (E证通), 1007/101997 (app SDK), 55390 and announcement 100989
// (international), the five pages' own tables of errors, e签宝 "查询刷脸状态".

export type Meaning = readonly [status: string, reason: string, billing: string];

const free = 'NOT_CHARGED';

function each(codes: readonly number[], meaning: Meaning): Record<string, Meaning> {
  return Object.fromEntries(codes.map((code) => [String(code), meaning]));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

const commonToAll = {
  ...each([15], ['EXPIRED', 'TIMED_OUT', free]),
  ...each([17], ['PENDING', '', '']),
} as const;

/** Liveness, digits and capture mean the same in E证通 and on the international page. */
const faceSteps = {
  ...each([16], ['FAILED', 'RETRIES_EXHAUSTED', free]),
  ...each([1002], ['FAILED', 'SPOOF_SUSPECTED', free]),
  ...each([1003, 1004, 1005, 1301, 1302, 1303, 1401], ['FAILED', 'LIVENESS_FAILED', free]),
  ...each(range(1101, 1109), ['FAILED', 'READING_FAILED', free]),
  ...each(range(1201, 1210), ['FAILED', 'CAPTURE_FAILED', free]),
} as const;

const eidResults: Readonly<Record<string, Meaning>> = {
  ...commonToAll,
  ...faceSteps,
  ...each([0], ['PASSED', 'VERIFIED', 'CHARGED']),
  ...each(
    [1, 2, 3, 4, 8, 10, 12, 13, 14, 201, 202, 203, 204, 1001, 1006, 1008, 2001],
    ['UNDETERMINED', 'PROVIDER_ERROR', free],
  ),
  ...each([301], ['FAILED', 'DOCUMENT_MISMATCH', free]),
  ...each([302], ['FAILED', 'DOCUMENT_EXPIRED', free]),
  ...each([303], ['FAILED', 'DOCUMENT_UNREADABLE', free]),
  ...each([1007], ['FAILED', 'LIVENESS_FAILED', free]),
  ...each([2002, 2003], ['FAILED', 'IDENTITY_DATA_INVALID', free]),
  ...each([2004, 2007, 2008], ['FAILED', 'IDENTITY_PHOTO_UNAVAILABLE', free]),
  ...each([2005], ['FAILED', 'IDENTITY_RECORD_NOT_FOUND', free]),
  ...each([2006], ['FAILED', 'IDENTITY_MISMATCH', 'CHARGED']),
  ...each(range(2009, 2015), ['FAILED', 'COMPARISON_FAILED', free]),
  ...each([2016], ['FAILED', 'FACE_MISMATCH', 'CHARGED']),
  // Page 108625. The attempts of the emulation report that they are free.
  ...each([2018], ['UNDETERMINED', 'DAILY_LIMIT', free]),
};

export const resultTables: Readonly<Record<string, Readonly<Record<string, Meaning>>>> = {
  GetEidResult: eidResults,
  // The same codes (facts of pages 31082 and 115319). The attempts of the emulation say what is charged.
  GetDetectInfoEnhanced: eidResults,
  GetFaceIdResult: {
    ...commonToAll,
    ...each([18], ['PENDING', '', '']),
    ...each([19], ['EXPIRED', 'TIMED_OUT', free]),
    ...each([0], ['PASSED', 'VERIFIED', 'CHARGED']),
    ...each([2, 3, 4, 7, 8, 14, 2001, 2017], ['UNDETERMINED', 'PROVIDER_ERROR', free]),
    ...each([1001, 1003, 1004, 1005, 1202], ['FAILED', 'LIVENESS_FAILED', free]),
    ...each([1007], ['FAILED', 'DEVICE_RISK', free]),
    ...each([2002, 2003], ['FAILED', 'IDENTITY_DATA_INVALID', free]),
    ...each([2004], ['FAILED', 'IDENTITY_PHOTO_UNAVAILABLE', free]),
    ...each([2005], ['FAILED', 'IDENTITY_RECORD_NOT_FOUND', free]),
    ...each([2006], ['FAILED', 'IDENTITY_MISMATCH', 'CHARGED']),
    ...each([2007], ['FAILED', 'IDENTITY_PHOTO_UNAVAILABLE', 'CHARGED']),
    ...each([2009, 2011, 2012, 2013, 2014, 2015], ['FAILED', 'COMPARISON_FAILED', 'CHARGED']),
    ...each([2016], ['FAILED', 'FACE_MISMATCH', 'CHARGED']),
  },
  GetWebVerificationResultIntl: {
    ...commonToAll,
    ...faceSteps,
    ...each([0], ['PASSED', 'VERIFIED', 'CHARGED']),
    ...each([1, 2, 3, 4, 8, 9, 10, 11, 14, 202, 1001], ['UNDETERMINED', 'PROVIDER_ERROR', free]),
    ...each([1409], ['EXPIRED', 'TIMED_OUT', free]),
    ...each([1410], ['CANCELLED', 'USER_CANCELLED', free]),
    // The documentation does not say whether these are billed.
    ...each([2001], ['UNDETERMINED', 'PROVIDER_ERROR', 'UNKNOWN']),
    ...each([2004, ...range(2009, 2015)], ['FAILED', 'COMPARISON_FAILED', 'UNKNOWN']),
    // Announcement 100989.
    ...each([2012], ['FAILED', 'COMPARISON_FAILED', free]),
    ...each([2016], ['FAILED', 'FACE_MISMATCH', 'UNKNOWN']),
  },
  'pub/individual/face': {
    ...each([1445011], ['FAILED', 'OTHER', 'UNKNOWN']),
    ...each([1445034, 1445035], ['FAILED', 'DEVICE_UNSUPPORTED', 'UNKNOWN']),
    ...each([1445409], ['UNDETERMINED', 'PROVIDER_ERROR', 'UNKNOWN']),
    ...each([1445700, 1445701, 1445702], ['FAILED', 'READING_FAILED', 'UNKNOWN']),
    ...each([1445813], ['FAILED', 'CAPTURE_FAILED', 'UNKNOWN']),
    ...each([1445900, 1445907], ['FAILED', 'FACE_MISMATCH', 'UNKNOWN']),
    ...each([1445902], ['FAILED', 'IDENTITY_MISMATCH', 'UNKNOWN']),
    ...each([1445909, 1445910], ['FAILED', 'IDENTITY_DATA_INVALID', 'UNKNOWN']),
  },
};

const cardErrors: readonly string[] = [
  ...['FailedOperation.DecryptSystemError', 'FailedOperation.StsUnAuthErrError'],
  ...['FailedOperation.UnKnown', 'InvalidParameter', 'InvalidParameter.UnsupportEncryptField'],
  ...['InvalidParameterValue', 'UnauthorizedOperation.Arrears'],
  ...['UnauthorizedOperation.ChargeStatusException', 'UnauthorizedOperation.NonAuthorize'],
  'UnauthorizedOperation.Nonactivated',
];

/** Business errors of the pages, by action. */
export const pageErrors: Readonly<Record<string, readonly string[]>> = {
  GetEidToken: [
    ...['FailedOperation.DecryptSystemError', 'FailedOperation.StsUnAuthErrError'],
    ...['FailedOperation.UnKnown', 'FailedOperation.UnregisteredEid', 'InvalidParameter'],
    ...['InvalidParameter.UnsupportEncryptField', 'InvalidParameterValue.RuleIdDisabled'],
    ...['InvalidParameterValue.RuleIdNotExist', 'UnauthorizedOperation.Arrears'],
    ...['UnauthorizedOperation.NonAuthorize', 'UnauthorizedOperation.Nonactivated'],
  ],
  // tencentcloud-sdk-go, DetectAuth.
  DetectAuth: [
    ...['AuthFailure.InvalidAuthorization', 'FailedOperation.DecryptSystemError'],
    ...['FailedOperation.UnKnown', 'InvalidParameter'],
    ...['InvalidParameter.UnsupportEncryptField', 'InvalidParameterValue.RuleIdDisabled'],
    ...['InvalidParameterValue.RuleIdNotExist', 'UnauthorizedOperation.ActivateError'],
    ...['UnauthorizedOperation.Activating', 'UnauthorizedOperation.Arrears'],
    ...['UnauthorizedOperation.NonAuthorize', 'UnauthorizedOperation.Nonactivated'],
  ],
  GetFaceIdToken: [
    ...['FailedOperation.DecryptSystemError', 'FailedOperation.ImageSizeTooLarge'],
    ...['FailedOperation.UnKnown', 'InvalidParameter', 'UnauthorizedOperation.Arrears'],
    'UnauthorizedOperation.Nonactivated',
  ],
  BankCard2EVerification: cardErrors,
  BankCardVerification: cardErrors,
  BankCard4EVerification: cardErrors,
  ApplyWebVerificationBizTokenIntl: [
    ...['InternalError', 'InvalidParameter', 'InvalidParameterValue'],
    ...['UnauthorizedOperation.ActivateError', 'UnauthorizedOperation.Activating'],
    ...['UnauthorizedOperation.Arrears', 'UnauthorizedOperation.Nonactivated'],
  ],
  'individual/face': ['30500000', '30500101', '30503107', '30500116', '30503059'],
};

/** "公共错误码" 1007/31063. */
export const commonErrors: readonly string[] = [
  ...['ActionOffline', 'AuthFailure.InvalidAuthorization', 'AuthFailure.InvalidSecretId'],
  ...['AuthFailure.MFAFailure', 'AuthFailure.SecretIdNotFound', 'AuthFailure.SignatureExpire'],
  ...['AuthFailure.SignatureFailure', 'AuthFailure.TokenFailure'],
  ...['AuthFailure.UnauthorizedOperation', 'DryRunOperation', 'FailedOperation'],
  ...['InternalError', 'InvalidAction', 'InvalidParameter', 'InvalidParameterValue'],
  ...['InvalidRequest', 'IpInBlacklist', 'IpNotInWhitelist', 'LimitExceeded', 'MissingParameter'],
  ...['NoSuchProduct', 'NoSuchVersion', 'OperationDenied', 'RequestLimitExceeded'],
  ...['RequestLimitExceeded.GlobalRegionUinLimitExceeded'],
  ...['RequestLimitExceeded.IPLimitExceeded', 'RequestLimitExceeded.UinLimitExceeded'],
  ...['RequestSizeLimitExceeded', 'ResourceInUse', 'ResourceInsufficient', 'ResourceNotFound'],
  ...['ResourceUnavailable', 'ResponseSizeLimitExceeded', 'ServiceUnavailable'],
  ...['UnauthorizedOperation', 'UnknownParameter', 'UnsupportedOperation'],
  ...['UnsupportedProtocol', 'UnsupportedRegion'],
];

export const wireFaults: readonly string[] = [
  ...['wire-timeout', 'wire-reset', 'wire-html', 'wire-truncated'],
  ...['wire-redirect', 'wire-empty', 'wire-500', 'wire-503'],
];
