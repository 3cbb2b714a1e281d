// The provider's own texts of its result codes. Codes without a text here have none in the sources.

const callText = '调用方式出错，请参考人脸核身 DetectAuth 文档进行调用';
const serviceText = '服务异常，请稍后重试或联系客服人员';
const distanceText = '离屏幕太近或太远，请确保人脸清晰完整';

/** The texts that pages 115318 and 101997 share. */
const comparison = {
  2002: '姓名有误，请确认后重试',
  2003: '身份证号有误，请确认后重试',
  2004: '视频提取照片出错，请重试或更换手机进行验证',
  2005: '未查询到身份信息，请通过其他渠道验证',
  2006: '姓名和身份证号不匹配，请核实身份后重试',
  2007: '未查询到照片信息，请通过其他渠道验证',
  2009: '查询到照片分辨率过低，请通过其他渠道验证',
  2011: '无法判断为同一人，请确认身份后重试（疑似非活体）',
  2012: '检测到多张人脸，请保持验证视频中只有本人',
  2013: '脸部未完整露出，请保持正脸面对屏幕',
  2014: '视频像素太低无法检测，请更换手机进行验证',
  2015: '无法判断为同一人，请确认身份后重试（比对失败）',
  2016: '无法判断为同一人，请确认身份后重试（相似度未达到通过阈值）',
} as const;

const liveness = {
  1001: '引擎超时，请稍后重试',
  1003: '人脸识别验证未成功，请重试',
  1004: '人脸验证失败，请重试',
  1005: '人脸验证失败，请重试',
} as const;

/**
 * Text.ErrCode of GetEidResult and GetDetectInfoEnhanced. Sources: pages 115318 and 32309; 2018: page 108625; 2012 to
 * 2015: page 101997; 1207 to 1303: the texts that tencentcloud-sdk-go has for the same faults.
 */
export const eidTexts: Readonly<Record<string, string>> = {
  ...{ ...liveness, ...comparison },
  0: '成功',
  1: callText,
  2: callText,
  3: callText,
  4: serviceText,
  8: serviceText,
  10: serviceText,
  12: serviceText,
  13: serviceText,
  14: '本次校验已完成',
  15: 'Token 过期，请重试',
  16: '已达到重试上限',
  17: '本次流程未完成',
  201: '从微信拉取图片失败，请重试',
  202: '视频获取失败，请重试',
  203: '无此 API 调用权限',
  204: '当前公众号/小程序未完成对慧眼授权，请参照慧眼接入文档进行扫码授权',
  301: '当前认证人身份证号码与业务传入验证证件号码不符，请重新上传',
  302: '身份证已过期，请使用有效身份证进行核验',
  303: '扫描识别失败，请重新拍摄',
  1002: '疑似非真人录制',
  1006: '证照库出错，请重试',
  1007: '未拉取微信活体结果或拉取微信活体结果失败',
  1008: '用户活体过程网络不稳定，请切换网络环境后重试',
  1101: '声音未能识别，请大声慢读一遍数字',
  1102: '脸部未完整露出，请保持正脸面对屏幕',
  1103: '声音未能识别，请大声慢读一遍数字',
  1104: '视频格式出错无法检测，请更换手机进行验证',
  1105: '视频拉取失败，请重试',
  1106: '声音太小，请大声慢读一遍数字',
  1107: '视频为空，或大小不合适，请控制录制时长在6s左右',
  1108: '视频像素太低无法检测，请更换手机进行验证',
  1109: '未识别到唇动，请大声慢读一遍数字',
  1201: '光线不佳，建议在光源充足的室内环境验证',
  1202: '光线不佳，建议在光源充足的室内环境验证',
  1203: distanceText,
  1204: distanceText,
  1205: distanceText,
  1206: distanceText,
  1207: '未检测到闭眼动作',
  1208: '未检测到第一个动作',
  1209: '未检测到张嘴动作',
  1210: '未能检测到完整人脸',
  1301: '实人检测失败',
  1302: '实人检测未达到通过标准',
  1303: '视频录制时间过短，请录制2秒以上的视频',
  2001: '引擎超时，请稍后重试',
  2008: '未查询到照片信息，请通过其他渠道验证',
  2010: '脸部未完整露出，请保持正脸面对屏幕',
  2018: '操作过于频繁，请第二天0点后重试',
};

/** Result of GetFaceIdResult. Source: page 101997. */
export const faceIdTexts: Readonly<Record<string, string>> = {
  ...{ ...liveness, ...comparison },
  0: '成功',
  2: '调用方式出错，请参考人脸核身文档进行调用',
  3: '调用方式出错，请参考人脸核身文档进行调用',
  4: serviceText,
  7: serviceText,
  8: serviceText,
  14: '本次校验已完成',
  15: 'token 过期，请重试',
  17: '调用方式出错，请参考人脸核身文档进行调用',
  19: '超出有效期',
  1007: '活体检测失败，命中风控逻辑',
  1202: '光线不佳，建议在光源充足的室内环境验证',
  2001: '引擎超时，请稍后重试',
  2017: '权威数据源升级中，请稍后再试',
};

/** FinalResultDetailCode of nodding and of questions and answers. Source: tencentcloud-sdk-nodejs 4.1.313. */
export const intentionTexts: Readonly<Record<string, string>> = {
  0: '成功',
  '-1': '参数错误',
  '-2': '系统异常',
  '-101': '请保持人脸在框内',
  '-102': '检测到多张人脸',
  '-103': '人脸检测失败',
  '-104': '人脸检测不完整',
  '-105': '请勿遮挡眼睛',
  '-106': '请勿遮挡嘴巴',
  '-107': '请勿遮挡鼻子',
  '-201': '人脸比对相似度低',
  '-202': '人脸比对失败',
  '-301': '意愿核验不通过',
  '-302': '用户回答阶段未检测到张嘴动作',
  '-800': '前端不兼容错误',
  '-801': '用户未授权摄像头和麦克风权限',
  '-802': '核验流程异常中断，请勿切屏或进行其他操作',
  '-803': '用户主动关闭链接/异常断开链接',
  '-804': '用户当前网络不稳定，请重试',
  '-998': '系统数据异常',
  '-999': '系统未知错误，请联系人工核实',
};

/**
 * IntentionVerifyData.ErrorCode. The response has its text in `ErrorMessage`, and no page lists them; these are of the
 * codes that reading aloud shares with the other modes.
 */
export const readAloudTexts: Readonly<Record<string, string>> = {
  0: '成功',
  '-800': '前端不兼容错误',
  '-801': '用户未授权摄像头和麦克风权限',
  '-802': '核验流程异常中断，请勿切屏或进行其他操作',
  '-803': '用户主动关闭链接/异常断开链接',
};

/** FinalResultCode of questions and answers. Source: the same. */
export const questionFinalTexts: Readonly<Record<string, string>> = {
  0: '认证通过。',
  '-1': '认证未通过。',
  '-2': '浏览器内核不兼容，无法进行意愿校验。',
};

/** BizTokenExpired. Source: the error codes of faceid. */
export const bizTokenExpiredText = 'BizToken过期。';
