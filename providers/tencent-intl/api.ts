import { z } from 'zod';
import type { ProviderCall } from '../../src/contract/plugin-api.ts';
import {
  optionalMoment,
  optionalNumber,
  optionalSimilarity,
  optionalText,
  resultCode,
} from '../shared/answer-fields.ts';
import { callTencent, type TencentAnswer } from '../tencent/call-tencent.ts';
import type { TencentIntlSettings } from './settings.ts';

// Sources: page ApplyWebVerificationBizTokenIntl (2025-01-21), tencentcloud-sdk-nodejs-intl-en 3.0.1335.
// The page's request sample names another action in its header, by mistake.
type Call = ProviderCall<TencentIntlSettings>;

const version = '2018-03-01';

export interface WebVerificationConfig {
  readonly AutoSkipStartPage?: boolean | undefined;
  readonly AutoSkip?: boolean | undefined;
  readonly CheckMode?: number | undefined;
  /** The page's sample has IdCardType, but the member of the struct is this one, and case matters. */
  readonly IDCardType?: string | undefined;
  readonly DisableCheckOcrWarnings?: boolean | undefined;
  readonly SecurityLevel?: number | undefined;
  readonly SkipPrivacyPolicy?: boolean | undefined;
  readonly IdCardCutReturn?: boolean | undefined;
  readonly ThemeColor?: string | undefined;
  readonly Language?: string | undefined;
  readonly AutoDowngrade?: number | undefined;
  readonly ActionList?: string | undefined;
  readonly LivenessRetryLimit?: number | undefined;
  readonly LivenessTimeout?: number | undefined;
  readonly SelectedWarningCodes?: string | undefined;
  readonly AllowExpiredDocument?: boolean | undefined;
}

export interface ApplyRequest {
  readonly RedirectURL: string;
  readonly CompareImageBase64?: string | undefined;
  readonly Extra?: string | undefined;
  readonly RuleId?: string | undefined;
  readonly Config?: WebVerificationConfig | undefined;
}

const bizToken = z
  .object({
    BizToken: z.string().min(1),
    VerificationURL: optionalText,
    // An older field of the SDK with different casing.
    VerificationUrl: optionalText,
  })
  .transform((answer, context) => {
    const url = answer.VerificationURL ?? answer.VerificationUrl ?? null;
    if (url !== null) return { bizToken: answer.BizToken, url };
    context.addIssue('no URL');
    return z.NEVER;
  });

export function applyWebVerificationBizToken(
  call: Call,
  payload: ApplyRequest,
): Promise<TencentAnswer<z.output<typeof bizToken>>> {
  return callTencent(call, call.settings.account, {
    action: 'ApplyWebVerificationBizTokenIntl',
    version,
    region: call.settings.region,
    payload,
    answer: bizToken,
  });
}

const attempt = z.object({
  ErrorCode: resultCode.catch(null),
  LivenessErrorCode: resultCode.catch(null),
  CompareErrorCode: resultCode.catch(null),
  ReqTimestamp: optionalMoment,
  Similarity: optionalSimilarity,
});

/** By kind of document. One of them is filled. */
const cards = z
  .record(z.string(), z.record(z.string(), z.unknown()).nullish().catch(null))
  .nullish()
  .catch(null);

const webResult = z.object({
  ErrorCode: resultCode,
  VerificationDetailList: z.array(attempt).nullish().catch(null),
  // Also decides: a document that did not pass is never a pass.
  OCRResult: z
    .array(
      z.object({
        IsPass: z.boolean().nullish(),
        WarnCardInfos: z.array(optionalNumber).nullish().catch(null),
        NormalCardInfo: cards,
        CardInfo: cards,
      }),
    )
    .nullish(),
});

export type WebAttempt = z.output<typeof attempt>;
export type WebResult = z.output<typeof webResult>;

export function getWebVerificationResult(
  call: Call,
  token: string,
): Promise<TencentAnswer<WebResult>> {
  return callTencent(call, call.settings.account, {
    action: 'GetWebVerificationResultIntl',
    version,
    region: call.settings.region,
    payload: { BizToken: token },
    answer: webResult,
  });
}
