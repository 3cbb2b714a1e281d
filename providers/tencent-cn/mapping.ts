import type { BankCardResult, Billing, TerminalStatus } from '../../src/contract/plugin-api.ts';
import { each, range, withTexts } from '../shared/tables.ts';
import {
  eidTexts,
  faceIdTexts,
  intentionTexts,
  questionFinalTexts,
  readAloudTexts,
} from './texts.ts';

/**
 * The meaning of a result code of a face flow. `charged` is from the provider's table of codes. E证通 also
 * reports it per attempt, which takes precedence.
 */
export interface FaceCodeMeaning {
  readonly status: TerminalStatus | 'PENDING';
  readonly reason: string;
  /** Null: no document says. */
  readonly charged: boolean | null;
}

/** A meaning with the provider's own text; null if the sources have none. */
export interface ToldFaceCode extends FaceCodeMeaning {
  readonly message: string | null;
}

export type FaceTable = Readonly<Record<string, ToldFaceCode>>;

export function billingOf({ charged }: FaceCodeMeaning): Billing {
  if (charged === null) return 'UNKNOWN';
  return charged ? 'CHARGED' : 'NOT_CHARGED';
}

const free = { charged: false };
const charged = { charged: true };

const serviceError = {
  status: 'UNDETERMINED',
  reason: 'PROVIDER_ERROR',
  ...free,
} as const satisfies FaceCodeMeaning;

const captureFailed = {
  status: 'FAILED',
  reason: 'CAPTURE_FAILED',
  ...free,
} as const satisfies FaceCodeMeaning;

const livenessFailed = {
  status: 'FAILED',
  reason: 'LIVENESS_FAILED',
  ...free,
} as const satisfies FaceCodeMeaning;

const readingFailed = {
  status: 'FAILED',
  reason: 'READING_FAILED',
  ...free,
} as const satisfies FaceCodeMeaning;

const comparisonFailed = {
  status: 'FAILED',
  reason: 'COMPARISON_FAILED',
  ...free,
} as const satisfies FaceCodeMeaning;

const passed = {
  status: 'PASSED',
  reason: 'VERIFIED',
  ...charged,
} as const satisfies FaceCodeMeaning;

const tokenExpired = {
  status: 'EXPIRED',
  reason: 'TIMED_OUT',
  ...free,
} as const satisfies FaceCodeMeaning;

const notFinished = {
  status: 'PENDING',
  reason: 'OTHER',
  ...free,
} as const satisfies FaceCodeMeaning;

/** Both faceid tables share these. Where billing differs, a table sets `charged` again. */
const identity = {
  nameInvalid: {
    status: 'FAILED',
    reason: 'IDENTITY_DATA_INVALID',
    ...free,
  },
  idNumberInvalid: {
    status: 'FAILED',
    reason: 'IDENTITY_DATA_INVALID',
    ...free,
  },
  photoExtraction: {
    status: 'FAILED',
    reason: 'IDENTITY_PHOTO_UNAVAILABLE',
    ...free,
  },
  noRecord: {
    status: 'FAILED',
    reason: 'IDENTITY_RECORD_NOT_FOUND',
    ...free,
  },
  mismatch: {
    status: 'FAILED',
    reason: 'IDENTITY_MISMATCH',
    ...charged,
  },
  noPhoto: {
    status: 'FAILED',
    reason: 'IDENTITY_PHOTO_UNAVAILABLE',
    ...free,
  },
  faceMismatch: {
    status: 'FAILED',
    reason: 'FACE_MISMATCH',
    ...charged,
  },
} as const satisfies Record<string, FaceCodeMeaning>;

/**
 * Text.ErrCode of GetEidResult. Source: E证通 error codes, doc 1007/115318. Only 0, 2006 and 2016 are
 * charged. A fault of the service or of the call says nothing about the person: UNDETERMINED.
 */
export const eidCodes: FaceTable = withTexts(eidTexts, {
  0: passed,
  ...each([1, 2, 3, 4, 8, 10, 12, 13, 14], serviceError),
  15: tokenExpired,
  16: {
    status: 'FAILED',
    reason: 'RETRIES_EXHAUSTED',
    ...free,
  },
  17: notFinished,
  ...each([201, 202, 203, 204], serviceError),
  301: {
    status: 'FAILED',
    reason: 'DOCUMENT_MISMATCH',
    ...free,
  },
  302: {
    status: 'FAILED',
    reason: 'DOCUMENT_EXPIRED',
    ...free,
  },
  303: {
    status: 'FAILED',
    reason: 'DOCUMENT_UNREADABLE',
    ...free,
  },
  1001: serviceError,
  1002: {
    status: 'FAILED',
    reason: 'SPOOF_SUSPECTED',
    ...free,
  },
  ...each([1003, 1004, 1005], livenessFailed),
  1006: serviceError,
  1007: livenessFailed,
  1008: serviceError,
  ...each(range(1101, 1109), readingFailed),
  ...each(range(1201, 1210), captureFailed),
  ...each([1301, 1302, 1303], livenessFailed),
  1401: livenessFailed,
  2001: serviceError,
  2002: identity.nameInvalid,
  2003: identity.idNumberInvalid,
  2004: identity.photoExtraction,
  2005: identity.noRecord,
  2006: identity.mismatch,
  ...each([2007, 2008], identity.noPhoto),
  ...each(range(2009, 2015), comparisonFailed),
  2016: identity.faceMismatch,
  // Page 108625: 15 a minute or 30 a day for an ID number, 20 a day for a browser or openid.
  2018: {
    status: 'UNDETERMINED',
    reason: 'DAILY_LIMIT',
    charged: null,
  },
});

/**
 * Text.ErrCode of GetDetectInfoEnhanced: the same codes. What is charged depends on the edition of the rule, which the
 * start does not know: 1002 is charged in the Plus edition, and no page says it of these codes for every kind of page.
 */
export const webFlowCodes: FaceTable = {
  ...eidCodes,
  ...Object.fromEntries(
    [1002, 2007, 2008, ...range(2009, 2015)].flatMap((code) => {
      const meaning = eidCodes[code];
      return meaning ? [[code, { ...meaning, charged: null }]] : [];
    }),
  ),
};

/**
 * Result of GetFaceIdResult. Source: app SDK backend result codes, doc 1007/101997. Unlike in E证通, 2007 and
 * 2009 to 2015 are charged. 17 is listed as a bad call here but as "not finished" in the other table. It is
 * treated as not finished, because waiting for the expiry loses nothing.
 */
export const faceIdCodes: FaceTable = withTexts(faceIdTexts, {
  0: passed,
  ...each([2, 3, 4, 7, 8, 14], serviceError),
  15: tokenExpired,
  17: notFinished,
  19: tokenExpired,
  ...each([1001, 1003, 1004, 1005, 1202], livenessFailed),
  1007: {
    status: 'FAILED',
    reason: 'DEVICE_RISK',
    ...free,
  },
  2001: serviceError,
  2002: identity.nameInvalid,
  2003: identity.idNumberInvalid,
  2004: identity.photoExtraction,
  2005: identity.noRecord,
  2006: identity.mismatch,
  2007: { ...identity.noPhoto, ...charged },
  ...each([2009, 2011, 2012, 2013, 2014, 2015], { ...comparisonFailed, ...charged }),
  2016: identity.faceMismatch,
  2017: serviceError,
});

/** Returned instead of a result: "too frequent". The query is repeated later. */
export const faceIdThrottledCode = '18';

const intentionFailed = {
  status: 'FAILED',
  reason: 'INTENTION_NOT_CONFIRMED',
  ...free,
} as const satisfies FaceCodeMeaning;

const intentionFaceMismatch = {
  ...identity.faceMismatch,
  ...free,
} as const satisfies FaceCodeMeaning;

const environment = {
  800: {
    status: 'UNDETERMINED',
    reason: 'DEVICE_UNSUPPORTED',
    ...free,
  },
  801: {
    status: 'UNDETERMINED',
    reason: 'DEVICE_UNSUPPORTED',
    ...free,
  },
  802: {
    status: 'CANCELLED',
    reason: 'USER_CANCELLED',
    ...free,
  },
  803: {
    status: 'CANCELLED',
    reason: 'USER_CANCELLED',
    ...free,
  },
} as const satisfies Record<number, FaceCodeMeaning>;

/** IntentionVerifyData.ErrorCode. Source: tencentcloud-sdk-nodejs 4.1.313. */
const readAloudCodes: FaceTable = withTexts(readAloudTexts, {
  0: passed,
  ...each([-1, -3, -4, -5, -6, -7, -8, -9, -10, -11, -16], serviceError),
  ...each([-2, -13, -14], serviceError),
  '-12': notFinished,
  '-15': {
    status: 'FAILED',
    reason: 'RETRIES_EXHAUSTED',
    ...free,
  },
  '-17': intentionFailed,
  ...each([3001, 3002, 3003], captureFailed),
  3011: intentionFaceMismatch,
  3012: comparisonFailed,
  '-800': environment[800],
  '-801': environment[801],
  '-802': environment[802],
  '-803': environment[803],
});

/**
 * FinalResultDetailCode of nodding and of questions and answers. Source: tencentcloud-sdk-nodejs 4.1.313.
 */
const spokenQuestionCodes: FaceTable = withTexts(intentionTexts, {
  0: passed,
  '-1': serviceError,
  '-2': serviceError,
  ...each([-101, -102, -103, -104, -105, -106, -107], captureFailed),
  '-201': intentionFaceMismatch,
  '-202': comparisonFailed,
  '-301': intentionFailed,
  '-302': intentionFailed,
  '-800': environment[800],
  '-801': environment[801],
  '-802': environment[802],
  '-803': environment[803],
  '-804': serviceError,
  ...each([-998, -999], serviceError),
});

/**
 * FinalResultCode of questions and answers, the less detailed code. Source: tencentcloud-sdk-nodejs
 * 4.1.313.
 */
export const questionFinalCodes: FaceTable = withTexts(questionFinalTexts, {
  0: passed,
  '-1': intentionFailed,
  '-2': environment[800],
});

export type IntentionMode = 'READ_ALOUD' | 'QUESTION_AND_ANSWER' | 'NOD';

/**
 * IntentionMode of the request and IntentionVerifyType of the response number the same three modes
 * differently.
 */
export const intentionModes = {
  READ_ALOUD: { requestNumber: '1', answerNumber: '2', codes: readAloudCodes },
  QUESTION_AND_ANSWER: { requestNumber: '2', answerNumber: '0', codes: spokenQuestionCodes },
  NOD: { requestNumber: '3', answerNumber: '1', codes: spokenQuestionCodes },
} as const satisfies Record<
  IntentionMode,
  { requestNumber: string; answerNumber: string; codes: FaceTable }
>;

/** InputType of GetEidTokenConfig. */
export const inputTypes = {
  OCR_BOTH_SIDES: { number: '1', readsDocument: true },
  OCR_PORTRAIT_SIDE: { number: '2', readsDocument: true },
  USER_TYPES: { number: '3', readsDocument: false },
  CALLER_PASSES: { number: '4', readsDocument: false },
} as const;

/** Speed of GetEidTokenConfig. */
export const speechSpeeds = { SMART: 0, NORMAL: 1, FASTER: 2, FASTEST: 3 } as const;

export const idTypes: Readonly<Record<number, string>> = {
  0: 'SECOND_GENERATION_ID',
  1: 'HMT_RESIDENCE_PERMIT',
  2: 'OTHER',
};

export const livenessModes: Readonly<Record<number, string>> = {
  0: 'UNKNOWN',
  1: 'DIGITS',
  2: 'ACTION',
  3: 'SILENT',
  4: 'FLASH',
  5: 'NEAR_FAR',
};

type CardMeaning = Omit<BankCardResult, 'code' | 'possibleAgainAtMs'>;

function cardUnusable(reason: string, message: string): CardMeaning {
  return { outcome: 'CARD_UNUSABLE', reason, message, billing: 'CHARGED' };
}

function inputRefused(reason: string, message: string): CardMeaning {
  return { outcome: 'INPUT_REFUSED', reason, message, billing: 'NOT_CHARGED' };
}

/** The meanings that the three card checks share. Their numbers differ: see the tables below. */
const card = {
  matched: {
    outcome: 'MATCHED',
    reason: 'ALL_MATCHED',
    message: '认证通过',
    billing: 'CHARGED',
  },
  notMatched: {
    outcome: 'MISMATCHED',
    reason: 'NOT_MATCHED',
    message: '认证未通过',
    billing: 'CHARGED',
  },
  holderMismatch: {
    outcome: 'MISMATCHED',
    reason: 'HOLDER_MISMATCH',
    message: '持卡人信息有误',
    billing: 'CHARGED',
  },
  notPresentDisabled: cardUnusable('CARD_NOT_PRESENT_DISABLED', '未开通无卡支付'),
  confiscated: cardUnusable('CONFISCATED_CARD', '此卡被没收'),
  invalidNumber: cardUnusable('INVALID_CARD_NUMBER', '无效卡号'),
  noIssuer: cardUnusable('NO_ISSUER', '此卡无对应发卡行'),
  dormant: cardUnusable('DORMANT_CARD', '该卡未初始化或睡眠卡'),
  fraud: cardUnusable('FRAUD_CARD', '作弊卡、吞卡'),
  lost: cardUnusable('LOST_CARD', '此卡已挂失'),
  expired: cardUnusable('EXPIRED_CARD', '该卡已过期'),
  restricted: cardUnusable('RESTRICTED_CARD', '受限制的卡'),
  pinTries: cardUnusable('PIN_TRIES_EXCEEDED', '密码错误次数超限'),
  issuerUnsupported: cardUnusable('ISSUER_UNSUPPORTED', '发卡行不支持此交易'),
  abnormal: cardUnusable('CARD_STATE_ABNORMAL', '银行卡状态异常或卡号有误'),
  nameRefused: inputRefused('NAME_REFUSED', '姓名校验不通过'),
  idNumberRefused: inputRefused('ID_NUMBER_REFUSED', '身份证号码有误'),
  cardNumberRefused: inputRefused('CARD_NUMBER_REFUSED', '银行卡号码有误'),
  phoneRefused: inputRefused('PHONE_REFUSED', '手机号码不合法'),
  documentUnsupported: inputRefused(
    'DOCUMENT_UNSUPPORTED',
    '该证件号暂不支持核验，当前仅支持二代身份证',
  ),
  dailyLimit: {
    outcome: 'NOT_PERFORMED',
    reason: 'DAILY_LIMIT',
    message: '验证次数超限，请次日重试',
    billing: 'NOT_CHARGED',
  },
} as const satisfies Record<string, CardMeaning>;

/** The Result of one card check. */
export interface CardTable {
  /** Returned instead of a result: "the verification centre is busy". Nothing was checked. */
  readonly busyCode: string;
  readonly codes: Readonly<Record<string, CardMeaning>>;
}

/**
 * BankCard2EVerification. Sources: page 35776 and tencentcloud-sdk-nodejs 4.1.313, which alone has -17 and -18. The same
 * number means something else, and costs something else, in each of the three: -4 is a charged mismatch here and an
 * uncharged refusal in the other two.
 */
export const card2Table: CardTable = {
  busyCode: '-16',
  codes: {
    0: card.matched,
    '-1': card.notMatched,
    '-2': card.nameRefused,
    '-3': card.cardNumberRefused,
    '-4': card.holderMismatch,
    '-5': card.notPresentDisabled,
    '-6': card.confiscated,
    '-7': card.invalidNumber,
    '-8': card.noIssuer,
    '-9': card.dormant,
    '-10': card.fraud,
    '-11': card.lost,
    '-12': card.expired,
    '-13': card.restricted,
    '-14': card.pinTries,
    '-15': card.issuerUnsupported,
    '-17': card.dailyLimit,
    '-18': card.abnormal,
  },
};

/** BankCardVerification, three elements. Source: tencentcloud-sdk-nodejs 4.1.313. */
export const card3Table: CardTable = {
  busyCode: '-17',
  codes: {
    0: card.matched,
    '-1': card.notMatched,
    '-2': card.nameRefused,
    '-3': card.idNumberRefused,
    '-4': card.cardNumberRefused,
    '-5': card.holderMismatch,
    '-6': card.notPresentDisabled,
    '-7': card.confiscated,
    '-8': card.invalidNumber,
    '-9': card.noIssuer,
    '-10': card.dormant,
    '-11': card.fraud,
    '-12': card.lost,
    '-13': card.expired,
    '-14': card.restricted,
    '-15': card.pinTries,
    '-16': card.issuerUnsupported,
    '-18': card.dailyLimit,
    '-19': card.documentUnsupported,
    '-20': card.abnormal,
  },
};

/**
 * BankCard4EVerification. Source: its page, which lists what is charged. -21 is only in tencentcloud-sdk-nodejs 4.1.313.
 */
export const card4Table: CardTable = {
  busyCode: '-18',
  codes: {
    0: card.matched,
    '-1': card.notMatched,
    '-2': card.nameRefused,
    '-3': card.idNumberRefused,
    '-4': card.cardNumberRefused,
    '-5': card.phoneRefused,
    '-6': card.holderMismatch,
    '-7': card.notPresentDisabled,
    '-8': card.confiscated,
    '-9': card.invalidNumber,
    '-10': card.noIssuer,
    '-11': card.dormant,
    '-12': card.fraud,
    '-13': card.lost,
    '-14': card.expired,
    '-15': card.restricted,
    '-16': card.pinTries,
    '-17': card.issuerUnsupported,
    '-19': card.dailyLimit,
    '-20': card.documentUnsupported,
    '-21': card.abnormal,
  },
};
