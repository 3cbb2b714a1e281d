import { businessErrors, parameterErrors } from './codes.ts';

export interface FaceParams {
  readonly name: string;
  readonly idNo: string;
  readonly faceauthMode: 'TENCENT' | 'ZHIMACREDIT' | 'WE_CHAT_FACE';
  readonly callbackUrl?: string;
  readonly contextId?: string;
  readonly notifyUrl?: string;
}

export interface BusinessFault {
  readonly code: number;
  readonly message: string;
}

const leastAgeYears = 14;

/** The error that the page's table defines for a request; null if the request is valid. */
export function findFault(
  { name, idNo, faceauthMode, callbackUrl }: Partial<FaceParams>,
  nowMs: number,
  /** The page requires callbackUrl, but forbids it for an Alipay web-view that receives messages. */
  isCallbackAlwaysNeeded: boolean,
): BusinessFault | null {
  const parameter = (which: keyof typeof parameterErrors): BusinessFault => ({
    code: 30500101,
    message: parameterErrors[which],
  });
  if (!faceauthMode) return parameter('modeMissing');
  if (!['TENCENT', 'ZHIMACREDIT', 'WE_CHAT_FACE'].includes(faceauthMode)) {
    return parameter('modeWrong');
  }
  if (!name) return parameter('nameMissing');
  if (!idNo) return parameter('idNoMissing');
  const needsCallback = faceauthMode !== 'ZHIMACREDIT' || isCallbackAlwaysNeeded;
  if (!callbackUrl && needsCallback) return parameter('callbackUrlMissing');
  if (/\s/u.test(idNo) || name !== name.trim()) {
    return { code: 30500116, message: businessErrors['30500116'] };
  }
  if (!/^(?:\d{15}|\d{17}[\dX])$/u.test(idNo)) return parameter('idNoWrong');
  if (isTooYoung(idNo, nowMs)) return { code: 30503059, message: businessErrors['30503059'] };
  return null;
}

function isTooYoung(idNo: string, nowMs: number): boolean {
  if (idNo.length !== 18) return false;
  const birth = `${idNo.slice(6, 10)}-${idNo.slice(10, 12)}-${idNo.slice(12, 14)}`;
  if (birth < '1900-01-01' || Number.isNaN(Date.parse(birth))) return false;
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(nowMs);
  const [year = '', ...rest] = today.split('-');
  return birth > [String(Number(year) - leastAgeYears), ...rest].join('-');
}
