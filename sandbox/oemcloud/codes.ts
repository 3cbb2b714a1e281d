import { list, type Code } from '../code.ts';

/** failedReasonCode of the face query: e签宝, "查询刷脸状态" (2026-01-09). */
export const faceCodes: readonly Code[] = [
  ...list([0], 'passed 通过'),
  ...list([1445011], 'failed 认证失败'),
  ...list([1445034], 'browser not supported 浏览器不支持'),
  ...list([1445035], 'device not supported 设备不支持'),
  ...list([1445409], 'network 网络异常'),
  ...list([1445700], 'answer not as expected 答案不匹配'),
  ...list([1445701], 'no sound 无声音'),
  ...list([1445702], 'speech not recognised 语音识别错误'),
  ...list([1445813], 'eyes covered 眼睛被遮挡'),
  ...list([1445900], 'not the same person 非本人'),
  ...list([1445902], 'name or ID number wrong 姓名或身份证号有误'),
  ...list([1445907], 'similarity too low 相似度过低'),
  ...list([1445909], 'name format 姓名格式有误'),
  ...list([1445910], 'ID number format 身份证号格式有误'),
];

/** The texts of 30500101, in the page's order. */
export const parameterErrors = {
  modeWrong: '参数错误: 人脸认证方式传参错误',
  modeMissing: '参数错误: faceauthMode不能为空',
  nameMissing: '参数错误: name字段不能为空',
  idNoMissing: '参数错误: idNo字段不能为空',
  callbackUrlMissing: '参数错误: callbackUrl字段不能为空',
  idNoWrong: '参数错误: 请输入正确的身份证号码',
} as const;

/** Codes of the page, with its texts. */
export const businessErrors = {
  '30500000': '操作出错,请联系服务人员处理, ID:SANDBOX',
  '30500101': parameterErrors.idNoWrong,
  '30500116': '格式校验不通过, 请检查填入信息是否有多余空格',
  '30503059': '创建刷脸任务失败: 未满14周岁的用户无法使用本产品',
  '30503107': '很抱歉, 订单余额不足',
} as const;

/** X-Ca-Error-Code of the gateway in front of the backend: Alibaba Cloud API Gateway, "Error codes". */
export const gatewayErrors = {
  A400AC: 'Invalid AppCode',
  A400IK: 'Invalid AppKey',
  A400MA: 'Need authorization',
  A401AC: 'Invalid AppCode',
  A403AC: 'Access control refuses',
  A403CO: 'Cross origin refused',
  A403EP: 'App authorization expired',
  A403IN: 'No access from the internet',
  A403IP: 'IP refused',
  A403IS: 'Invalid AppSecret',
  A403PR: 'Plugin authorization needed',
  A403VN: 'VPC refused',
  B403ME: 'Api Market Subscription expired',
  B403MI: 'Api Market Subscription invalid',
  B403MO: 'Provider Account Overdue',
  B403MQ: 'Api Market Subscription quota exhausted',
  B403OD: 'Provider Account Overdue',
  B451DO: 'Domain blocked',
  B451GO: 'Group blocked',
  D502FC: 'Backend service response failed',
  D503BB: 'Backend circuit breaker busy',
  D503CB: 'Backend circuit breaker open',
  D504CO: 'Backend service connect failed',
  D504CS: 'Backend service TLS failed',
  D504IL: 'Backend service address invalid',
  D504RE: 'Backend service DNS failed',
  D504TO: 'Backend service request timeout',
  I400BD: 'Invalid Body',
  I400CT: 'Invalid Content-Type',
  I400HD: 'Invalid Header',
  I400MH: 'Header is Required',
  I400PA: 'Invalid Request Path',
  I400RU: 'Invalid Request Uri',
  I400SG: 'Invalid Stage',
  I403AA: 'Unauthorized',
  I403PT: 'Invalid protocol',
  I404DO: 'Invalid Domain',
  I404NF: 'API not found',
  I405UM: 'Unsupported Method',
  I410GG: 'Group instance invalid',
  I413RL: 'Request body too Large',
  I413UL: 'Request URL too Large',
  N502RE: 'Response transport failed',
  T429GR: 'Throttled by GROUP Flow Control',
  T429ID: 'Throttled by INNER DOMAIN Flow Control',
  T429IN: 'Throttled by INSTANCE Flow Control',
  T429MR: 'Throttled by MARKET Flow Control',
  T429PA: 'Throttled by API Flow Control',
  T429PR: 'Throttled by PLUGIN Flow Control',
  T429SR: 'Throttled by SERVER Flow Control',
  X500ER: 'Service Internal Error',
  X503BZ: 'Service Busy',
  X504VE: 'Gateway VPC error',
} as const;

/** Codes of the queries about a flow. */
export const queryErrors = {
  '30500000': '操作出错,请联系服务人员处理, ID:SANDBOX',
  '30500001': '流程不存在',
  '30500002': '流程已结束',
  '30500003': '流程已失效',
  '30500004': '流程不存在',
  '30503055': '没有刷脸记录',
} as const;
