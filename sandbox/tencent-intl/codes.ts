import { list, range, type Code } from '../code.ts';

/** ErrorCode of GetWebVerificationResultIntl: doc 55390 and announcement 100989. */
export const webCodes: readonly Code[] = [
  ...list([0], 'passed 通过'),
  ...list([1, 2, 3, 4, 8, 9, 10, 11], 'call or service error 调用或服务异常'),
  ...list([14], 'already completed 流程已完成'),
  ...list([15], 'token expired 已过期'),
  ...list([16], 'retry limit 超过重试次数'),
  ...list([17], 'not finished 流程未完成'),
  ...list([202], 'video problem 视频异常'),
  ...list([1001], 'liveness engine 活体引擎'),
  ...list([1002], 'suspected spoof 疑似攻击'),
  ...list([1003, 1004, 1005], 'liveness failed 活体失败'),
  ...list(range(1101, 1109), 'lip or digits 唇语或数字'),
  ...list(range(1201, 1210), 'light, distance, action 光线距离动作'),
  ...list([1301, 1302, 1303], 'real person, threshold, length 真人检测'),
  ...list([1401], 'reflection 反光'),
  ...list([1409], 'timed out 超时'),
  ...list([1410], 'the person left 用户离开'),
  ...list([2001], 'comparison engine 比对引擎'),
  ...list([2004], 'image size 图片大小'),
  ...list(range(2009, 2015), 'photo or comparison 照片或比对'),
  ...list([2016], 'similarity under the threshold 相似度未达标'),
];

/** Business error codes of the page ApplyWebVerificationBizTokenIntl. */
export const applyErrors = [
  'InternalError',
  'InvalidParameter',
  'InvalidParameterValue',
  'UnauthorizedOperation.ActivateError',
  'UnauthorizedOperation.Activating',
  'UnauthorizedOperation.Arrears',
  'UnauthorizedOperation.Nonactivated',
] as const;

/** The page's texts of its codes. */
export const errorTexts: Readonly<Record<string, string>> = {
  InternalError: 'Internal error.',
  InvalidParameter: 'Invalid parameter.',
  InvalidParameterValue: 'Incorrect parameter value.',
  'UnauthorizedOperation.ActivateError': 'Service activation exception.',
  'UnauthorizedOperation.Activating': 'Activating the service.',
  'UnauthorizedOperation.Arrears': 'The account is in arrears.',
  'UnauthorizedOperation.Nonactivated': 'The service has not been activated.',
};
