import type { BankCardOutcome, TerminalStatus } from '../contract/index.ts';
import type { ProblemCode } from '../core/problem.ts';
import type {
  BankCardOutcomeReason,
  VerificationLanguage,
  VerificationOutcomeReason,
} from './generated.ts';

// What a page may show to the person. Polite, in one or two sentences, without codes and without names of providers. A
// text says what the person can do, and accuses nobody: the suspicion of a fraud, for example, is not told.

export type UserMessage = Readonly<Record<VerificationLanguage, string>>;

const tryLater = {
  ZH: '服务暂时不可用，请稍后再试。',
  EN: 'This service is not available right now. Please try again later.',
};
const cardUnusable = {
  ZH: '该银行卡暂时无法使用，请联系发卡银行或更换银行卡。',
  EN: 'This card cannot be used right now. Please contact your bank, or use another card.',
};

const outcomes = {
  VERIFIED: { ZH: '身份核验通过。', EN: 'Your identity has been verified.' },
  LIVENESS_FAILED: {
    ZH: '未能确认镜头前是真人，请正对镜头后重试。',
    EN: 'We could not see a live person. Please face the camera and try again.',
  },
  SPOOF_SUSPECTED: {
    ZH: '未能确认是您本人操作，请由本人在光线充足的地方重试。',
    EN: 'We could not confirm that it was you. Please try again in person, in good light.',
  },
  CAPTURE_FAILED: {
    ZH: '未能拍清您的面部，请调整光线、距离和角度后重试。',
    EN: 'We could not see your face clearly. Please adjust light, distance and angle, and try again.',
  },
  READING_FAILED: {
    ZH: '未能听清您读出的数字，请在安静的地方重试。',
    EN: 'We could not hear the numbers. Please try again in a quiet place.',
  },
  FACE_MISMATCH: {
    ZH: '面部与参考照片不一致，请由本人在光线充足的地方重试。',
    EN: 'Your face does not match the reference photo. Please try again in good light.',
  },
  COMPARISON_FAILED: {
    ZH: '暂时无法完成面部比对，请稍后重试。',
    EN: 'The comparison could not be completed. Please try again later.',
  },
  IDENTITY_MISMATCH: {
    ZH: '姓名与证件号码不一致，请核对后重试。',
    EN: 'Name and ID number do not belong together. Please check them and try again.',
  },
  IDENTITY_RECORD_NOT_FOUND: {
    ZH: '未查询到相应的身份信息，请核对姓名和证件号码。',
    EN: 'No matching record was found. Please check your name and ID number.',
  },
  IDENTITY_PHOTO_UNAVAILABLE: {
    ZH: '暂时没有可供比对的照片，请联系客服。',
    EN: 'There is no photo to compare with. Please contact our support.',
  },
  IDENTITY_DATA_INVALID: {
    ZH: '姓名或证件号码有误，请核对后重试。',
    EN: 'The name or the ID number is not valid. Please check them and try again.',
  },
  DOCUMENT_MISMATCH: {
    ZH: '请使用您本人的证件重试。',
    EN: 'Please try again with your own document.',
  },
  DOCUMENT_EXPIRED: {
    ZH: '证件已过期，请使用有效的证件。',
    EN: 'The document has expired. Please use a valid one.',
  },
  DOCUMENT_UNREADABLE: {
    ZH: '未能识别证件，请在光线充足的地方重新拍摄完整的证件。',
    EN: 'We could not read the document. Please photograph all of it again, in good light.',
  },
  INTENTION_NOT_CONFIRMED: {
    ZH: '未能确认您的意愿，请按照提示重试。',
    EN: 'We could not confirm your intention. Please follow the instructions and try again.',
  },
  DEVICE_RISK: {
    ZH: '当前设备无法完成核验，请更换设备后重试。',
    EN: 'This device cannot be used. Please try again with another one.',
  },
  DEVICE_UNSUPPORTED: {
    ZH: '当前设备或浏览器不支持，请允许使用相机，或更换设备后重试。',
    EN: 'This device or browser is not supported. Please allow the camera, or use another device.',
  },
  RETRIES_EXHAUSTED: {
    ZH: '尝试次数已用完，请稍后重新开始。',
    EN: 'There are no attempts left. Please start again later.',
  },
  DAILY_LIMIT: {
    ZH: '今日次数已达上限，请明天再试。',
    EN: 'You have reached the limit for today. Please try again tomorrow.',
  },
  USER_CANCELLED: {
    ZH: '核验已取消，您可以重新开始。',
    EN: 'The verification was cancelled. You can start again.',
  },
  TIMED_OUT: {
    ZH: '操作时间已过，请重新开始。',
    EN: 'The time is over. Please start again.',
  },
  PROVIDER_ERROR: tryLater,
  NOT_LEARNT: {
    ZH: '未能取得核验结果，请重新开始或联系客服。',
    EN: 'We could not get a result. Please start again, or contact our support.',
  },
  OTHER: {
    ZH: '核验未能完成，请稍后重试。',
    EN: 'The verification could not be completed. Please try again later.',
  },
} as const satisfies Record<VerificationOutcomeReason, UserMessage>;

/** For reasons that have no text of their own, such as those of plugins, and those that were forgotten. */
const ofStatus = {
  PASSED: outcomes.VERIFIED,
  FAILED: {
    ZH: '核验未通过，请稍后重试。',
    EN: 'The verification failed. You can try again later.',
  },
  EXPIRED: outcomes.TIMED_OUT,
  CANCELLED: outcomes.USER_CANCELLED,
  UNDETERMINED: outcomes.OTHER,
} as const satisfies Record<TerminalStatus, UserMessage>;

const cards = {
  ALL_MATCHED: { ZH: '信息一致。', EN: 'The details match.' },
  NOT_MATCHED: {
    ZH: '信息不一致，请核对后重试。',
    EN: 'The details do not match. Please check them and try again.',
  },
  HOLDER_MISMATCH: {
    ZH: '所填信息与持卡人信息不一致，请核对后重试。',
    EN: 'The details are not those of the card holder. Please check them and try again.',
  },
  CARD_NOT_PRESENT_DISABLED: {
    ZH: '该银行卡未开通线上支付，请联系发卡银行或更换银行卡。',
    EN: 'This card is not enabled for online payments. Please contact your bank, or use another card.',
  },
  CONFISCATED_CARD: cardUnusable,
  INVALID_CARD_NUMBER: {
    ZH: '卡号有误，请核对后重试。',
    EN: 'The card number is not valid. Please check it and try again.',
  },
  NO_ISSUER: {
    ZH: '未能识别该卡号的发卡银行，请核对卡号。',
    EN: 'The bank of this card number is not known. Please check the number.',
  },
  DORMANT_CARD: {
    ZH: '该银行卡尚未激活或长期未使用，请联系发卡银行。',
    EN: 'This card is not active. Please contact your bank.',
  },
  FRAUD_CARD: cardUnusable,
  LOST_CARD: cardUnusable,
  EXPIRED_CARD: {
    ZH: '该银行卡已过期，请更换银行卡。',
    EN: 'This card has expired. Please use another one.',
  },
  RESTRICTED_CARD: cardUnusable,
  PIN_TRIES_EXCEEDED: {
    ZH: '该银行卡密码错误次数过多，请联系发卡银行。',
    EN: 'A wrong PIN was entered too often. Please contact your bank.',
  },
  ISSUER_UNSUPPORTED: {
    ZH: '该银行卡的发卡银行不支持此项验证，请更换银行卡。',
    EN: 'The bank of this card does not support the check. Please use another card.',
  },
  CARD_STATE_ABNORMAL: {
    ZH: '该银行卡状态异常或卡号有误，请核对卡号或联系发卡银行。',
    EN: 'The card cannot be used, or its number is wrong. Please check it, or contact your bank.',
  },
  NAME_REFUSED: {
    ZH: '姓名有误，请核对后重试。',
    EN: 'The name is not valid. Please check it and try again.',
  },
  ID_NUMBER_REFUSED: {
    ZH: '证件号码有误，请核对后重试。',
    EN: 'The ID number is not valid. Please check it and try again.',
  },
  CARD_NUMBER_REFUSED: {
    ZH: '卡号有误，请核对后重试。',
    EN: 'The card number is not valid. Please check it and try again.',
  },
  PHONE_REFUSED: {
    ZH: '手机号码有误，请核对后重试。',
    EN: 'The phone number is not valid. Please check it and try again.',
  },
  DAILY_LIMIT: outcomes.DAILY_LIMIT,
  DOCUMENT_UNSUPPORTED: {
    ZH: '仅支持第二代居民身份证。',
    EN: 'Only the second generation of the resident ID card is supported.',
  },
  OTHER: {
    ZH: '验证未能完成，请稍后重试。',
    EN: 'The check could not be completed. Please try again later.',
  },
} as const satisfies Record<BankCardOutcomeReason, UserMessage>;

const ofCardOutcome = {
  MATCHED: cards.ALL_MATCHED,
  MISMATCHED: cards.NOT_MATCHED,
  CARD_UNUSABLE: cardUnusable,
  INPUT_REFUSED: {
    ZH: '所填信息有误，请核对后重试。',
    EN: 'Some of the details are not valid. Please check them and try again.',
  },
  NOT_PERFORMED: cards.OTHER,
  UNDETERMINED: cards.OTHER,
} as const satisfies Record<BankCardOutcome, UserMessage>;

const problems = {
  INVALID_INPUT: ofCardOutcome.INPUT_REFUSED,
  IDEMPOTENCY_MISMATCH: {
    ZH: '所填信息已变更，请刷新页面后重新提交。',
    EN: 'The details have changed. Please reload the page and submit them again.',
  },
  IN_PROGRESS: { ZH: '正在处理，请稍候。', EN: 'This is in progress. Please wait a moment.' },
  RATE_LIMITED: {
    ZH: '暂时无法处理，请稍后再试。',
    EN: 'This is not possible right now. Please try again later.',
  },
  OVERLOADED: tryLater,
  PROVIDER_UNAVAILABLE: tryLater,
  PROVIDER_REJECTED: {
    ZH: '无法使用所填信息进行核验，请核对后重试。',
    EN: 'These details cannot be used. Please check them and try again.',
  },
  PROVIDER_QUOTA_EXHAUSTED: tryLater,
  PROVIDER_MISCONFIGURED: tryLater,
  PROVIDER_NOT_ENABLED: tryLater,
  OUTCOME_UNKNOWN: {
    ZH: '暂时无法确认结果，请勿重复提交，如有疑问请联系客服。',
    EN: 'We cannot confirm the result. Please do not submit again, and contact our support.',
  },
  STORE_UNAVAILABLE: tryLater,
  NOT_FOUND: { ZH: '未找到相关记录。', EN: 'No such record was found.' },
} as const satisfies Record<ProblemCode, UserMessage>;

export const userMessages = {
  /** `reason` may be one of a plugin. */
  ofOutcome: (reason: string, status: TerminalStatus): UserMessage =>
    textOf(outcomes, reason) ?? ofStatus[status],
  ofCheck: (reason: string, outcome: BankCardOutcome): UserMessage =>
    textOf(cards, reason) ?? ofCardOutcome[outcome],
  ofProblem: (code: ProblemCode): UserMessage => problems[code],
};

/** A reason that was forgotten is OTHER as well, so what is left of the outcome says more. */
function textOf(texts: Readonly<Record<string, UserMessage>>, reason: string): UserMessage | null {
  return reason !== 'OTHER' && Object.hasOwn(texts, reason) ? (texts[reason] ?? null) : null;
}
