import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Flow, Flows } from '../flows.ts';
import { isNumeric, readOrders } from '../magic.ts';
import { createGoBack } from '../tencent/go-back.ts';
import { recordingOf } from '../tencent/media.ts';
import { findTencentFlow, isFlow, openTencentFlow } from '../tencent/tencent-flow.ts';
import { error, text, toAnswer, type TencentAction } from '../tencent/tencent-server.ts';
import { withTypes } from '../tencent/with-types.ts';
import { webCodes } from './codes.ts';
import { documents } from './documents.ts';

interface Deps {
  readonly flows: Flows;
  readonly now: () => number;
  readonly personUrl: (token: string) => string;
  /** Opens a URL of this service, as a browser would. */
  readonly visit: (url: string) => void;
}

/** The newest list of the page (2025-12). A missing region is refused. */
const regions = ['ap-bangkok', 'ap-hongkong', 'ap-jakarta', 'ap-singapore', 'sa-saopaulo'];

const idCardTypes = [
  'HKIDCard',
  'MLIDCard',
  'IndonesiaIDCard',
  'PhilippinesVoteID',
  'PhilippinesDrivingLicense',
  'PhilippinesTinID',
  'PhilippinesSSSID',
  'PhilippinesUMID',
  'InternationalIDPassport',
  'ThailandIDCard',
  'SingaporeIDCard',
  'MainlandIDCard',
] as const;

const config = z.strictObject({
  AutoSkipStartPage: z.boolean().optional(),
  AutoSkip: z.boolean().optional(),
  CheckMode: z.int().min(1).max(4).optional(),
  IDCardType: z.enum(idCardTypes).optional(),
  DisableCheckOcrWarnings: z.boolean().optional(),
  SecurityLevel: z.int().min(1).max(5).optional(),
  SkipPrivacyPolicy: z.boolean().optional(),
  IdCardCutReturn: z.boolean().optional(),
  ThemeColor: z.string().optional(),
  Language: z.enum(['th', 'en', 'zh-cn', 'zh-tc', 'id']).optional(),
  AutoDowngrade: z.int().min(1).max(2).optional(),
  ActionList: z
    .string()
    .regex(/^(?:blink|mouth|nod|shake)(?:,(?:blink|mouth|nod|shake))?$/u)
    .optional(),
  LivenessRetryLimit: z.int().min(1).max(99).optional(),
  LivenessTimeout: z.number().gt(0).max(600).optional(),
  SelectedWarningCodes: z
    .string()
    .regex(/^-910[1-4789](?:,-910[1-4789])*$/u)
    .optional(),
  AllowExpiredDocument: z.boolean().optional(),
});

const applyParams = z.strictObject({
  RedirectURL: z.url(),
  CompareImageBase64: z
    .string()
    .regex(/^[A-Za-z0-9+/]+={0,2}$/u)
    .optional(),
  Extra: text(1000).optional(),
  RuleId: z.string().optional(),
  Config: config.optional(),
});

/** The two actions of tencent-intl, as the page and the official SDK describe them. */
export function createTencentIntlActions({ flows, now, personUrl, visit }: Deps) {
  const goBack = createGoBack({ visit });
  const apply: TencentAction<z.output<typeof applyParams>> = {
    params: applyParams,
    perSecond: 20,
    regions,
    needsRegion: true,
    run: (params) => {
      const orders = readOrders(params.Extra, 'ApplyWebVerificationBizTokenIntl');
      const ordered = orders.get('ApplyWebVerificationBizTokenIntl');
      if (ordered !== undefined) return toAnswer(ordered);
      const { ActionList: actionList, SecurityLevel: level = 3 } = params.Config ?? {};
      if (actionList !== undefined && ![2, 4, 5].includes(level)) return error('InvalidParameter');
      const flow = openTencentFlow(flows, {
        provider: 'tencent-intl',
        channel: 'FACE_WEB',
        codes: webCodes,
        redirectUrl: params.RedirectURL,
        extra: params.Extra ?? null,
        name: null,
        idCard: null,
        intentionMode: null,
        readsDocument: [1, 4].includes(params.Config?.CheckMode ?? 2),
        orders,
      });
      // The SDK has an older member with this name in addition to the documented one.
      const urlField = orders.get('url-field') === 'old' ? 'VerificationUrl' : 'VerificationURL';
      return { BizToken: flow.token, [urlField]: personUrl(flow.token) };
    },
  };

  const getResult: TencentAction<{ BizToken: string }> = {
    params: z.strictObject({ BizToken: z.string() }),
    perSecond: 20,
    regions,
    needsRegion: true,
    run: ({ BizToken: token }) => {
      const flow = findTencentFlow(flows, token, 'tencent-intl', 'FACE_WEB');
      if (!isFlow(flow)) return flow;
      const picture = recordingOf(new Map());
      const ordered = flow.orders.get('GetWebVerificationResultIntl');
      if (ordered === 'unfinished-absent') return {};
      if (ordered === 'unfinished-null') return { ErrorCode: null, VerificationDetailList: null };
      const isOrderedCode = ordered === undefined || isNumeric(ordered) || ordered === 'ocr-failed';
      if (!isOrderedCode) return toAnswer(ordered);
      if (ordered !== undefined) goBack(flow);
      const last = flow.state === 'finished' ? flow.attempts.at(-1) : undefined;
      if (!last) return { ErrorCode: flow.endsMs <= now() ? 15 : null };
      return withTypes(flow.orders, {
        ErrorCode: last.code,
        ErrorMsg: last.code === 0 ? 'Success' : 'Failed',
        VerificationDetailList: flow.attempts.map(({ code, atMs }) => ({
          ErrorCode: code,
          ErrorMsg: '',
          LivenessErrorCode: 0,
          CompareErrorCode: code,
          ReqTimestamp: atMs,
          Similarity: code === 0 ? 97.31 : 42,
          Seq: randomUUID(),
        })),
        VideoBase64: recordingOf(flow.orders),
        BestFrameBase64: picture,
        OCRResult: flow.readsDocument
          ? [
              {
                IsPass: ordered !== 'ocr-failed',
                CardImageBase64: picture,
                ...cardsOf(flow),
                WarnCardInfos: ordered === 'ocr-failed' ? [-9102] : [],
              },
            ]
          : [],
        Extra: flow.extra,
      });
    },
  };

  return { ApplyWebVerificationBizTokenIntl: apply, GetWebVerificationResultIntl: getResult };
}

/** `document=ThailandIDCard` orders another document, `card-form=old` the form without NormalCardInfo. */
function cardsOf({ orders }: Flow): Record<string, unknown> {
  const member = orders.get('document') ?? 'HKIDCard';
  const { normal = null, card = null } = documents[member] ?? {};
  const hasNormal = normal !== null && orders.get('card-form') !== 'old';
  return {
    CardInfo: { [member]: card },
    NormalCardInfo: hasNormal ? { [member]: normal } : null,
  };
}
