import { list, range, type Code } from '../code.ts';

// The result codes of the three methods. They are written from the provider's documents, independently of
// the plugin, and tests compare both.

/** E证通 error codes, doc 1007/115318. */
export const eidCodes: readonly Code[] = [
  ...list([0], 'passed 通过'),
  ...list([1, 2, 3], 'call not legal 调用不合法'),
  ...list([4, 8, 10, 12, 13], 'service abnormal 服务异常'),
  ...list([14], 'flow already completed 流程已完成'),
  ...list([15], 'token expired 已过期'),
  ...list([16], 'retry limit reached 超过重试次数'),
  ...list([17], 'flow not finished 流程未完成'),
  ...list([201, 202], 'image or video not pulled 拉取失败'),
  ...list([203, 204], 'WeChat account not authorised 未授权'),
  ...list([301], 'scanned ID number differs 身份证号不一致'),
  ...list([302], 'ID card expired 身份证过期'),
  ...list([303], 'scan failed 识别失败'),
  ...list([1001], 'liveness engine timeout 活体超时'),
  ...list([1002], 'suspected spoof 疑似攻击'),
  ...list([1003, 1004, 1005], 'liveness failed 活体失败'),
  ...list([1006], 'photo library error 图片库异常'),
  ...list([1007], 'no liveness result from WeChat 未取得活体结果'),
  ...list([1008], 'network unstable 网络不稳定'),
  ...list(range(1101, 1109), 'digits not read 数字朗读失败'),
  ...list(range(1201, 1210), 'light, distance, position 光线距离姿态'),
  ...list([1301, 1302, 1303], 'real-person check failed 真人检测失败'),
  ...list([1401], 'reflection failed 反光校验失败'),
  ...list([2001], 'comparison engine timeout 比对超时'),
  ...list([2002], 'bad name 姓名有误'),
  ...list([2003], 'bad ID number 身份证号有误'),
  ...list([2004], 'photo extraction error 照片解析失败'),
  ...list([2005], 'identity record not found 库中无此号'),
  ...list([2006], 'name and ID do not match, charged 姓名身份证不匹配'),
  ...list([2007, 2008], 'no photo on record 库中无照片'),
  ...list(range(2009, 2015), 'photo quality or comparison failed 照片质量或比对失败'),
  ...list([2016], 'similarity under the threshold, charged 相似度未达标'),
  ...list([2018], 'too many attempts today 操作过于频繁，请第二天0点后重试'),
];

/** App SDK backend result codes, doc 1007/101997. */
export const faceIdCodes: readonly Code[] = [
  ...list([0], 'passed 通过'),
  ...list([2, 3], 'bad call 调用有误'),
  ...list([4, 7, 8], 'service abnormal 服务异常'),
  ...list([14], 'token used before 凭证已使用'),
  ...list([15, 19], 'token expired 已过期'),
  ...list([17], 'bad call, or not finished 未完成'),
  ...list([18], 'too frequent 过于频繁'),
  ...list([1001, 1003, 1004, 1005, 1202], 'liveness failed 活体失败'),
  ...list([1007], 'risk control 风控'),
  ...list([2001], 'comparison engine 比对引擎'),
  ...list([2002], 'bad name 姓名有误'),
  ...list([2003], 'bad ID number 身份证号有误'),
  ...list([2004], 'photo extraction 照片解析'),
  ...list([2005], 'no identity record 库中无此号'),
  ...list([2006], 'name and ID do not match, charged 不匹配'),
  ...list([2007], 'source photo problem, charged 库照片问题'),
  ...list([2009, 2011, 2012, 2013, 2014, 2015], 'comparison failed, charged 比对失败'),
  ...list([2016], 'similarity under the threshold, charged 相似度未达标'),
  ...list([2017], 'register being upgraded 库升级中'),
];

/** Intention, reading aloud: tencentcloud-sdk-nodejs 4.1.313, IntentionVerifyData. */
export const readAloudCodes: readonly Code[] = list(
  [0, ...range(-17, -1), 3001, 3002, 3003, 3011, 3012, -800, -801, -802, -803],
  'intention, reading aloud 朗读意愿',
);

/** Intention, questions and nodding: FinalResultDetailCode of the same SDK. */
export const questionCodes: readonly Code[] = list(
  [0, -1, -2, ...range(-107, -101), -201, -202, -301, -302, ...range(-804, -800), -998, -999],
  'intention, questions or nodding 问答或点头意愿',
);

/** The texts of the card checks, which the three share under different numbers. */
const cardTexts = {
  passed: '认证通过',
  failed: '认证未通过',
  holder: '持卡人信息有误',
  notPresent: '未开通无卡支付',
  confiscated: '此卡被没收',
  invalid: '无效卡号',
  noIssuer: '此卡无对应发卡行',
  dormant: '该卡未初始化或睡眠卡',
  fraud: '作弊卡、吞卡',
  lost: '此卡已挂失',
  expired: '该卡已过期',
  restricted: '受限制的卡',
  pin: '密码错误次数超限',
  unsupported: '发卡行不支持此交易',
  abnormal: '银行卡状态异常或卡号有误',
  name: '姓名校验不通过',
  idNumber: '身份证号码有误',
  cardNumber: '银行卡号码有误',
  phone: '手机号码不合法',
  busy: '验证中心服务繁忙',
  limit: '验证次数超限，请次日重试',
  document: '该证件号暂不支持核验，当前仅支持二代身份证',
} as const;

/** In the order of the pages: 0, -1, -2 and so on. */
function numbered(...keys: readonly (keyof typeof cardTexts)[]): readonly Code[] {
  return keys.map((key, at) => ({ code: at === 0 ? '0' : `-${at}`, title: cardTexts[key] }));
}

const states = [
  ...(['notPresent', 'confiscated', 'invalid', 'noIssuer', 'dormant', 'fraud', 'lost'] as const),
  ...(['expired', 'restricted', 'pin', 'unsupported'] as const),
] as const;

/** Page 35776, the official SDK, and page BankCard4EVerification with -21 from the SDK. */
export const bankCardCodes = {
  BankCard2EVerification: numbered(
    ...(['passed', 'failed', 'name', 'cardNumber', 'holder'] as const),
    ...states,
    ...(['busy', 'limit', 'abnormal'] as const),
  ),
  BankCardVerification: numbered(
    ...(['passed', 'failed', 'name', 'idNumber', 'cardNumber', 'holder'] as const),
    ...states,
    ...(['busy', 'limit', 'document', 'abnormal'] as const),
  ),
  BankCard4EVerification: numbered(
    ...(['passed', 'failed', 'name', 'idNumber', 'cardNumber', 'phone', 'holder'] as const),
    ...states,
    ...(['busy', 'limit', 'document', 'abnormal'] as const),
  ),
} as const satisfies Record<string, readonly Code[]>;

const cardErrors = [
  'FailedOperation.DecryptSystemError',
  'FailedOperation.StsUnAuthErrError',
  'FailedOperation.UnKnown',
  'InvalidParameter',
  'InvalidParameter.UnsupportEncryptField',
  'InvalidParameterValue',
  'UnauthorizedOperation.Arrears',
  'UnauthorizedOperation.ChargeStatusException',
  'UnauthorizedOperation.NonAuthorize',
  'UnauthorizedOperation.Nonactivated',
] as const;

/** Business error codes of each action's page. */
export const businessErrors = {
  GetEidToken: [
    'FailedOperation.DecryptSystemError',
    'FailedOperation.StsUnAuthErrError',
    'FailedOperation.UnKnown',
    'FailedOperation.UnregisteredEid',
    'InvalidParameter',
    'InvalidParameter.UnsupportEncryptField',
    'InvalidParameterValue.RuleIdDisabled',
    'InvalidParameterValue.RuleIdNotExist',
    'UnauthorizedOperation.Arrears',
    'UnauthorizedOperation.NonAuthorize',
    'UnauthorizedOperation.Nonactivated',
  ],
  DetectAuth: [
    'AuthFailure.InvalidAuthorization',
    'FailedOperation.DecryptSystemError',
    'FailedOperation.UnKnown',
    'InvalidParameter',
    'InvalidParameter.UnsupportEncryptField',
    'InvalidParameterValue.RuleIdDisabled',
    'InvalidParameterValue.RuleIdNotExist',
    'UnauthorizedOperation.ActivateError',
    'UnauthorizedOperation.Activating',
    'UnauthorizedOperation.Arrears',
    'UnauthorizedOperation.NonAuthorize',
    'UnauthorizedOperation.Nonactivated',
  ],
  GetFaceIdToken: [
    'FailedOperation.DecryptSystemError',
    'FailedOperation.ImageSizeTooLarge',
    'FailedOperation.UnKnown',
    'InvalidParameter',
    'UnauthorizedOperation.Arrears',
    'UnauthorizedOperation.Nonactivated',
  ],
  BankCard2EVerification: cardErrors,
  BankCardVerification: cardErrors,
  BankCard4EVerification: cardErrors,
} as const;

/** The pages' texts of their codes. */
export const errorTexts: Readonly<Record<string, string>> = {
  'FailedOperation.DecryptSystemError': '解密失败。',
  'FailedOperation.ImageSizeTooLarge': '图片尺寸过大。',
  'FailedOperation.StsUnAuthErrError': 'STS未授权。',
  'FailedOperation.UnKnown': '内部未知错误。',
  'FailedOperation.UnregisteredEid': '该用户未注册E证通,请先注册并跟权威库核验。',
  InvalidParameter: '参数错误。',
  'InvalidParameter.UnsupportEncryptField': '存在不加密的字段,请参考文档修改。',
  InvalidParameterValue: '参数取值错误。',
  'InvalidParameterValue.RuleIdDisabled': '该ruleid已被您停用,请确认后重试。',
  'InvalidParameterValue.RuleIdNotExist': 'RuleId不存在,请到人脸核身控制台申请。',
  'UnauthorizedOperation.Arrears': '账号已欠费。',
  'UnauthorizedOperation.ChargeStatusException': '计费状态异常。',
  'UnauthorizedOperation.NonAuthorize': '账号未实名。',
  'UnauthorizedOperation.Nonactivated': '未开通服务。',
};
