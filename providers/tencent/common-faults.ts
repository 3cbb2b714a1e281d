import type { FaultKind } from '../../src/contract/plugin-api.ts';

/**
 * Error codes that every Tencent Cloud API 3.0 action may return, including those of faceid.
 *
 * Source: the five pages and "公共错误码" of faceid (2026-11-22). Doubtful codes are `internal`: for a
 * chargeable action that means "may have been performed".
 */
export const commonFaults = {
  RequestLimitExceeded: 'throttled',
  'FailedOperation.RequestLimitExceeded': 'throttled',
  LimitExceeded: 'quota_exhausted',

  InternalError: 'internal',
  ServiceUnavailable: 'internal',
  ResourceUnavailable: 'internal',
  ResourceInUse: 'internal',
  ResourceInsufficient: 'internal',
  ResourceNotFound: 'internal',
  ResponseSizeLimitExceeded: 'internal',
  FailedOperation: 'internal',
  'FailedOperation.UnKnown': 'internal',
  'FailedOperation.DbError': 'internal',

  AuthFailure: 'credentials',
  'AuthFailure.UnauthorizedOperation': 'misconfigured',

  IpInBlacklist: 'misconfigured',
  IpNotInWhitelist: 'misconfigured',
  UnauthorizedOperation: 'misconfigured',
  'UnauthorizedOperation.Arrears': 'quota_exhausted',
  'UnauthorizedOperation.ChargeStatusException': 'quota_exhausted',
  OperationDenied: 'misconfigured',
  InvalidAction: 'misconfigured',
  ActionOffline: 'misconfigured',
  NoSuchVersion: 'misconfigured',
  NoSuchProduct: 'misconfigured',
  UnsupportedOperation: 'misconfigured',
  UnsupportedProtocol: 'misconfigured',
  UnsupportedRegion: 'misconfigured',
  DryRunOperation: 'misconfigured',
  'FailedOperation.StsUnAuthErrError': 'misconfigured',
  'FailedOperation.DecryptSystemError': 'misconfigured',
  'InvalidParameter.UnsupportEncryptField': 'misconfigured',
  'InvalidParameterValue.RuleIdDisabled': 'misconfigured',
  'InvalidParameterValue.RuleIdNotExist': 'misconfigured',

  InvalidRequest: 'rejected',
  InvalidParameter: 'rejected',
  InvalidParameterValue: 'rejected',
  MissingParameter: 'rejected',
  UnknownParameter: 'rejected',
  RequestSizeLimitExceeded: 'rejected',
  'FailedOperation.ImageSizeTooLarge': 'rejected',
  'FailedOperation.UnregisteredEid': 'rejected',

  'InvalidParameterValue.BizTokenExpired': 'session_expired',
  'InvalidParameterValue.BizTokenIllegal': 'session_unknown',
} as const satisfies Record<string, FaultKind>;
