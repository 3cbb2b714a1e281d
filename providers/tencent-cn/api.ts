import { z } from 'zod';
import { ProviderFault, sanitizeCode, type ProviderCall } from '../../src/contract/plugin-api.ts';
import {
  optionalMoment,
  optionalNumber,
  optionalText,
  resultCode,
} from '../shared/answer-fields.ts';
import { askEncrypted, encryptFields, type Encryption } from '../tencent/encrypt-fields.ts';
import { callTencent, type TencentAnswer } from '../tencent/call-tencent.ts';
import type { CardTable } from './mapping.ts';
import type { TencentCnSettings } from './settings.ts';

type Call = ProviderCall<TencentCnSettings>;

const version = '2018-03-01';

/**
 * With an encryption key from the provider's console, the sensitive fields are sent encrypted, each in its
 * own member.
 */
function sealed<Payload extends object>(
  { settings }: Call,
  payload: Payload,
  sensitive: Readonly<Record<string, string | undefined>>,
): Payload {
  if (!settings.encryptionKey) return payload;
  const { fields, encryption } = encryptFields(settings.encryptionKey, sensitive);
  return { ...payload, ...fields, Encryption: encryption };
}

/** The `Encryption` of a response. */
const answerEncryption = z
  .object({
    EncryptList: z.array(z.string()),
    Iv: optionalText.transform((iv) => iv ?? null),
    TagList: z
      .array(z.string())
      .nullish()
      .catch(null)
      .transform((tags) => tags ?? []),
  })
  .nullish()
  .catch(null)
  .transform((given) => given ?? null);

// ---- E证通. Sources: pages GetEidToken, GetEidResult (2025-11-24), tencentcloud-sdk-nodejs 4.1.313

export interface EidTokenConfig {
  readonly InputType?: string | undefined;
  readonly UseIntentionVerify?: boolean | undefined;
  readonly IntentionMode?: string | undefined;
  readonly IntentionVerifyText?: string | undefined;
  readonly IntentionQuestions?:
    readonly { Question: string; Answers: readonly string[] }[] | undefined;
  readonly IntentionActions?: readonly { Text: string }[] | undefined;
  readonly IntentionRecognition?: boolean | undefined;
  readonly IsSupportHMTResidentPermitOCR?: boolean | undefined;
  readonly MouthOpenRecognition?: boolean | undefined;
  readonly Speed?: number | undefined;
}

export interface EidTokenRequest {
  readonly MerchantId: string;
  readonly IdCard?: string | undefined;
  readonly Name?: string | undefined;
  readonly Extra?: string | undefined;
  readonly Config?: EidTokenConfig | undefined;
  readonly RedirectUrl: string;
  readonly Encryption?: Encryption | undefined;
}

// Tokens are opaque: the samples in the documentation have three different lengths.
const eidToken = z.object({ EidToken: z.string().min(1), Url: z.string().min(1) });

export function getEidToken(
  call: Call,
  payload: EidTokenRequest,
): Promise<TencentAnswer<z.output<typeof eidToken>>> {
  return callTencent(call, call.settings.account, {
    action: 'GetEidToken',
    version,
    payload: sealed(call, payload, { Name: payload.Name, IdCard: payload.IdCard }),
    answer: eidToken,
  });
}

const eidTokenStatus = z.object({ Status: z.string() });

export function checkEidTokenStatus(
  call: Call,
  token: string,
): Promise<TencentAnswer<z.output<typeof eidTokenStatus>>> {
  return callTencent(call, call.settings.account, {
    action: 'CheckEidTokenStatus',
    version,
    payload: { EidToken: token },
    answer: eidTokenStatus,
  });
}

// The casing differs between the text and its attempts: Comparestatus, Errcode, Livestatus.
const attempt = z.object({
  ReqTime: optionalMoment,
  Errcode: resultCode.catch(null),
  Sim: optionalNumber,
  IsNeedCharge: z.boolean().nullish().catch(null),
  LivenessMode: optionalNumber,
});

const flowText = z.object({
  ErrCode: resultCode,
  Sim: optionalNumber,
  UseIDType: optionalNumber,
  LivenessMode: optionalNumber,
  LivenessInfoTag: z.array(z.string().transform(sanitizeCode)).nullish().catch(null),
  LivenessDetail: z.array(attempt).nullish().catch(null),
});

/** What GetEidResult and GetDetectInfoEnhanced have in common. */
const flowResult = z.object({
  Text: flowText.nullish(),
  IsVerifyIntention: z.boolean().nullish(),
  IntentionVerifyType: z.union([z.string(), z.number().transform(String)]).nullish(),
  IntentionVerifyData: z.object({ ErrorCode: resultCode }).nullish(),
  IntentionQuestionResult: z
    .object({ FinalResultDetailCode: resultCode, FinalResultCode: resultCode })
    .nullish(),
  IntentionActionResult: z.object({ FinalResultDetailCode: resultCode }).nullish(),
});

const eidResult = flowResult.extend({
  // Only with the permission of the console, and after a pass.
  EidInfo: z
    .object({ EidCode: optionalText, DesKey: optionalText, UserInfo: optionalText })
    .nullish()
    .catch(null),
});

export type FlowAttempt = z.output<typeof attempt>;
export type FlowResult = z.output<typeof flowResult>;
export type EidResult = z.output<typeof eidResult>;

/** `infoType`: the digits of the wanted parts. Never "0", which includes images and video. */
export function getEidResult(
  call: Call,
  token: string,
  infoType: string,
): Promise<TencentAnswer<EidResult>> {
  return callTencent(call, call.settings.account, {
    action: 'GetEidResult',
    version,
    payload: { EidToken: token, InfoType: infoType },
    answer: eidResult,
  });
}

// ---- Web. Sources: page 31816 (DetectAuth), page 41957 (GetDetectInfoEnhanced), the same SDK

export interface DetectAuthRequest {
  readonly RuleId: string;
  readonly IdCard?: string | undefined;
  readonly Name?: string | undefined;
  readonly ImageBase64?: string | undefined;
  readonly Extra?: string | undefined;
  readonly RedirectUrl: string;
  readonly IntentionVerifyText?: string | undefined;
  readonly IntentionQuestions?:
    readonly { Question: string; Answers: readonly string[] }[] | undefined;
  readonly IntentionActions?: readonly { Text: string }[] | undefined;
  readonly Config?: RuleIdConfig | undefined;
  readonly Encryption?: Encryption | undefined;
}

/** Not that of GetEidToken: names and types differ. */
export interface RuleIdConfig {
  readonly IntentionRecognition?: boolean | undefined;
  readonly IntentionType?: number | undefined;
  readonly MouthOpenRecognition?: boolean | undefined;
  readonly Speed?: number | undefined;
}

const detectAuth = z.object({ BizToken: z.string().min(1), Url: z.string().min(1) });

export function startDetectAuth(
  call: Call,
  payload: DetectAuthRequest,
): Promise<TencentAnswer<z.output<typeof detectAuth>>> {
  return callTencent(call, call.settings.account, {
    action: 'DetectAuth',
    version,
    payload: sealed(call, payload, { Name: payload.Name, IdCard: payload.IdCard }),
    answer: detectAuth,
  });
}

const webResult = flowResult.extend({
  Text: flowText
    .extend({
      Name: optionalText,
      IdCard: optionalText,
      OcrName: optionalText,
      OcrIdCard: optionalText,
      OcrBirth: optionalText,
      OcrValidDate: optionalText,
    })
    .nullish(),
  Encryption: answerEncryption,
});

export type WebResult = z.output<typeof webResult>;

/** `ruleId`: that of the start. Names and numbers are decrypted. */
export async function getDetectInfo(
  call: Call,
  {
    token,
    ruleId,
    infoType,
  }: { readonly token: string; readonly ruleId: string; readonly infoType: string },
): Promise<TencentAnswer<WebResult>> {
  const { encryptionKey, account } = call.settings;
  const asked = encryptionKey && askEncrypted(encryptionKey);
  const result = await callTencent(call, account, {
    action: 'GetDetectInfoEnhanced',
    version,
    payload: {
      ...{ BizToken: token, RuleId: ruleId, InfoType: infoType },
      ...(asked ? { Encryption: asked.encryption } : {}),
    },
    answer: webResult,
  });
  const { Text: text, Encryption: given } = result;
  if (!asked || !text) return result;
  const open = (name: 'Name' | 'IdCard' | 'OcrName' | 'OcrIdCard'): string | null =>
    asked.open(`Response.Text.${name}`, text[name] ?? null, given);
  const names = { Name: open('Name'), IdCard: open('IdCard') };
  const ocr = { OcrName: open('OcrName'), OcrIdCard: open('OcrIdCard') };
  return { ...result, Text: { ...text, ...names, ...ocr } };
}

// ---- App SDK. Sources: pages GetFaceIdToken, GetFaceIdResult (doc 1007/49199), the same SDK

export interface FaceIdTokenRequest {
  readonly CompareLib: 'LOCAL' | 'BUSINESS';
  readonly IdCard?: string | undefined;
  readonly Name?: string | undefined;
  readonly ImageBase64?: string | undefined;
  readonly Meta?: string | undefined;
  readonly Extra?: string | undefined;
  readonly UseCos?: boolean | undefined;
  readonly RuleId?: string | undefined;
  readonly MetaData?: string | undefined;
  readonly Encryption?: Encryption | undefined;
}

const faceIdToken = z.object({ FaceIdToken: z.string().min(1), ClientConfig: optionalText });

export function getFaceIdToken(
  call: Call,
  payload: FaceIdTokenRequest,
): Promise<TencentAnswer<z.output<typeof faceIdToken>>> {
  return callTencent(call, call.settings.account, {
    action: 'GetFaceIdToken',
    version,
    region: call.settings.region,
    payload: sealed(call, payload, { Name: payload.Name, IdCard: payload.IdCard }),
    answer: faceIdToken,
  });
}

const tags = z
  .union([z.string(), z.array(z.string())])
  .nullish()
  .catch(null)
  .transform((given) => {
    if (given === null || given === undefined) return null;
    return (Array.isArray(given) ? given : given.split(','))
      .map((tag) => tag.trim())
      .filter(Boolean)
      .map(sanitizeCode);
  });

const faceIdResult = z.object({
  Result: resultCode,
  Similarity: optionalNumber,
  DeviceInfoTag: tags,
  RiskInfoTag: tags,
  LivenessInfoTag: tags,
  DeviceInfoLevel: resultCode.catch(null),
  Name: optionalText,
  IdCard: optionalText,
  // Addresses with `UseCos`. Anything longer was dropped while the response was read.
  VideoBase64: optionalText,
  BestFrameBase64: optionalText,
  IdCardFrontBase64: optionalText,
  Encryption: answerEncryption,
});

export type FaceIdResult = z.output<typeof faceIdResult>;

export interface FaceIdQuery {
  readonly token: string;
  /** Whether video and picture are in the bucket of the account. Base64 is never asked for. */
  readonly areInBucket: boolean;
}

/** Name and ID number are decrypted. */
export async function getFaceIdResult(
  call: Call,
  { token, areInBucket }: FaceIdQuery,
): Promise<TencentAnswer<FaceIdResult>> {
  const { encryptionKey, region, account } = call.settings;
  const asked = encryptionKey && askEncrypted(encryptionKey);
  const result = await callTencent(call, account, {
    action: 'GetFaceIdResult',
    version,
    region,
    payload: {
      ...{ FaceIdToken: token, IsNeedVideo: areInBucket, IsNeedBestFrame: areInBucket },
      ...(asked ? { Encryption: asked.encryption } : {}),
    },
    answer: faceIdResult,
  });
  if (!asked) return result;
  const open = (name: 'Name' | 'IdCard'): string | null =>
    asked.open(`Response.${name}`, result[name] ?? null, result.Encryption);
  return { ...result, Name: open('Name'), IdCard: open('IdCard') };
}

// ---- Bank card. Sources: page BankCard4EVerification; for the others page 35776 and tencentcloud-sdk-nodejs 4.1.313

export type CardAction =
  'BankCard2EVerification' | 'BankCardVerification' | 'BankCard4EVerification';

/** BankCard2EVerification has neither IdCard nor CertType; only BankCard4EVerification has Phone. */
export interface BankCardRequest {
  readonly Name: string;
  readonly BankCard: string;
  readonly IdCard?: string | undefined;
  readonly Phone?: string | undefined;
  readonly CertType?: number | undefined;
  readonly Encryption?: Encryption | undefined;
}

const bankCardResult = z.object({ Result: resultCode });

export function verifyBankCard(
  call: Call,
  action: CardAction,
  payload: BankCardRequest,
  { busyCode }: CardTable,
): Promise<TencentAnswer<z.output<typeof bankCardResult>>> {
  return callTencent(call, call.settings.account, {
    action,
    version,
    payload: sealed(call, payload, {
      Name: payload.Name,
      IdCard: payload.IdCard,
      Phone: payload.Phone,
      BankCard: payload.BankCard,
    }),
    answer: bankCardResult,
    refuse: ({ Result: code, requestId }) => {
      if (code === busyCode) {
        const providerRequestId = requestId ?? undefined;
        throw new ProviderFault('busy', { providerCode: code, providerRequestId });
      }
    },
  });
}
