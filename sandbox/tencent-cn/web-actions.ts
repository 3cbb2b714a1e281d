import { z } from 'zod';
import { withQuery, type Flow, type Flows } from '../flows.ts';
import { isNumeric, readOrders } from '../magic.ts';
import { createGoBack } from '../tencent/go-back.ts';
import { recordingOf } from '../tencent/media.ts';
import { findTencentFlow, isFlow, openTencentFlow } from '../tencent/tencent-flow.ts';
import { error, text, toAnswer, type TencentAction } from '../tencent/tencent-server.ts';
import { withTypes } from '../tencent/with-types.ts';
import { eidCodes } from './codes.ts';
import { toFlowText, toIntention } from './flow-answer.ts';

interface Deps {
  readonly flows: Flows;
  readonly personUrl: (token: string) => string;
  /** Opens a URL of this service, as a browser would. */
  readonly visit: (url: string) => void;
}

/**
 * The rules of the emulated console, with the intention check that each turns on by itself (the number of a request).
 * `RULE-OFF` is disabled.
 */
const rules: ReadonlyMap<string, string | null> = new Map([
  ['1', null],
  ['RULE-2', null],
  ['RULE-READ-ALOUD', '1'],
  ['RULE-QUESTIONS', '2'],
  ['RULE-NOD', '3'],
]);
const lifeSeconds = 7200;

const detectAuthParams = z.strictObject({
  RuleId: z.string(),
  TerminalType: z.string().optional(),
  IdCard: z
    .string()
    // A lower-case x is refused.
    .regex(/^[0-9A-Z]{1,32}$/u)
    .optional(),
  Name: text(32).min(1).optional(),
  RedirectUrl: text(1024).optional(),
  Extra: text(1024).optional(),
  ImageBase64: z
    .string()
    .max(3 * 1024 * 1024)
    .optional(),
  IntentionVerifyText: text(120).optional(),
  IntentionQuestions: z
    .array(z.strictObject({ Question: text(250), Answers: z.array(text(10)).max(50) }))
    .min(1)
    .max(10)
    .optional(),
  IntentionActions: z
    .array(z.strictObject({ Text: text(250) }))
    .min(1)
    .max(10)
    .optional(),
  Config: z
    .strictObject({
      IntentionRecognition: z.boolean().optional(),
      IntentionType: z.union([z.literal(0), z.literal(1)]).optional(),
      MouthOpenRecognition: z.boolean().optional(),
      Speed: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]).optional(),
    })
    .optional(),
});

const detectInfoParams = z.strictObject({
  BizToken: z.string(),
  RuleId: z.string(),
  InfoType: z.string().optional(),
  BestFramesCount: z.int().optional(),
  IsCutIdCardImage: z.boolean().optional(),
  IsNeedIdCardAvatar: z.boolean().optional(),
  IsEncrypt: z.boolean().optional(),
  IsEncryptResponse: z.boolean().optional(),
  IsReturnAllVideo: z.boolean().optional(),
});

/** The page inside WeChat: a token and its result. There is no query of the state. */
export function createWebActions({ flows, personUrl, visit }: Deps) {
  const goBack = createGoBack({ visit });

  const detectAuth: TencentAction<z.output<typeof detectAuthParams>> = {
    params: detectAuthParams,
    perSecond: 100,
    encryptable: ['Name', 'IdCard'],
    run: (params) => {
      const orders = readOrders(params.Extra, 'DetectAuth');
      const ordered = orders.get('DetectAuth');
      if (ordered !== undefined) return toAnswer(ordered);
      if (params.RuleId === 'RULE-OFF') return error('InvalidParameterValue.RuleIdDisabled');
      if (!rules.has(params.RuleId)) return error('InvalidParameterValue.RuleIdNotExist');
      const flow = openTencentFlow(
        flows,
        {
          provider: 'tencent-cn',
          channel: 'FACE_WEB',
          codes: eidCodes,
          redirectUrl: params.RedirectUrl ?? null,
          extra: params.Extra ?? null,
          name: params.Name ?? null,
          idCard: params.IdCard ?? null,
          intentionMode: intentionModeOf(params) ?? rules.get(params.RuleId) ?? null,
          readsDocument: params.Name === undefined,
          orders,
        },
        // The page goes back with the token, and with Extra in the address.
        { lifeSeconds, withToken: toReturn(params.Extra) },
      );
      return { BizToken: flow.token, Url: personUrl(flow.token) };
    },
  };

  const getDetectInfoEnhanced: TencentAction<z.output<typeof detectInfoParams>> = {
    params: detectInfoParams,
    perSecond: 100,
    encryptsAnswer: ['Text.IdCard', 'Text.Name', 'Text.OcrIdCard', 'Text.OcrName'],
    run: ({ BizToken: token, RuleId: rule, InfoType: infoType = '0' }) => {
      if (!rules.has(rule)) return error('InvalidParameterValue.RuleIdNotExist');
      const flow = findTencentFlow(flows, token, 'tencent-cn', 'FACE_WEB');
      // A made-up token gives this error, other than in E证通 (tccli, 2026-08-21).
      if (!isFlow(flow)) {
        const isKnown = flow.errorCode.endsWith('Expired');
        return isKnown ? flow : error('InvalidParameter');
      }
      const ordered = flow.orders.get('GetDetectInfoEnhanced');
      const shape = ordered === undefined ? undefined : unfinishedShapes[ordered];
      if (shape) return shape();
      if (ordered !== undefined && !isNumeric(ordered)) return toAnswer(ordered);
      if (flow.orders.has('GetDetectInfoEnhanced')) goBack(flow);
      return withTypes(flow.orders, toDetectInfo(flow, infoType));
    },
  };

  return { DetectAuth: detectAuth, GetDetectInfoEnhanced: getDetectInfoEnhanced };
}

function toReturn(extra: string | undefined) {
  return (url: string, token: string): string =>
    withQuery(url, { BizToken: token, ...(extra === undefined ? {} : { Extra: extra }) });
}

function intentionModeOf(params: z.output<typeof detectAuthParams>): string | null {
  if (params.IntentionVerifyText !== undefined) return '1';
  if (params.IntentionQuestions) return '2';
  return params.IntentionActions ? '3' : null;
}

const nothingKnown = {
  ...{ ErrCode: null, ErrMsg: null, LiveStatus: null, Comparestatus: null, Sim: null },
  ...{ IdCard: '', Name: '', Extra: '', OcrName: null, OcrIdCard: null, LivenessDetail: [] },
};

/** What the sources show of an unfinished flow. */
const unfinishedShapes: Readonly<Record<string, () => Record<string, unknown>>> = {
  'unfinished-absent': () => ({}),
  'unfinished-null': () => ({ Text: null, BestFrame: null, VideoData: null }),
  'unfinished-null-code': () => ({ Text: nothingKnown, IdCardData: null, VideoData: null }),
  'unfinished-empty': () => ({
    ...{ Text: { IdCard: '', Name: '', LivenessDetail: [] } },
    ...{ IdCardData: {}, BestFrame: {}, VideoData: {} },
  }),
  'unfinished-17': () => ({ Text: { ...nothingKnown, ErrCode: 17, ErrMsg: '本次流程未完成' } }),
  'unfinished-error': () => ({ ...error('InvalidParameter') }),
};

function toDetectInfo(flow: Flow, infoType: string): Record<string, unknown> {
  const last = flow.attempts.at(-1);
  if (!last) return { Text: nothingKnown, IdCardData: null, BestFrame: null, VideoData: null };
  const recording = recordingOf(flow.orders);
  const picture = recordingOf(new Map());
  const wants = (digit: string): boolean => infoType === '0' || infoType.includes(digit);
  const [name, idCard] = [flow.name ?? '韦小宝', flow.idCard ?? '11204416541220243X'];
  return {
    Text: {
      ...toFlowText(flow),
      ...{ Name: name, IdCard: idCard },
      ...(flow.readsDocument
        ? {
            ...{ OcrName: name, OcrIdCard: idCard, OcrBirth: '1654/12/20' },
            OcrValidDate: '2015.03.07-2035.03.07',
          }
        : { OcrName: null, OcrIdCard: null, OcrBirth: null, OcrValidDate: null }),
    },
    IdCardData: wants('2') ? { OcrFront: picture, OcrBack: picture } : null,
    BestFrame: wants('3') ? { BestFrame: picture } : null,
    VideoData: wants('4') ? { LivenessVideo: recording } : null,
    ...toIntention(flow, wants),
  };
}
