import { z } from 'zod';
import type { Flow, Flows } from '../flows.ts';
import { isNumeric, readOrders } from '../magic.ts';
import { recordingOf } from '../tencent/media.ts';
import { findTencentFlow, isFlow, openTencentFlow } from '../tencent/tencent-flow.ts';
import { error, text, toAnswer, type TencentAction } from '../tencent/tencent-server.ts';
import { withTypes } from '../tencent/with-types.ts';
import { eidCodes } from './codes.ts';
import { toFlowText, toIntention } from './flow-answer.ts';
import type { EidInfoSealer } from './seal-eid-info.ts';

interface Deps {
  readonly flows: Flows;
  readonly now: () => number;
  /** The URL of the person's page. The real URL opens WeChat. */
  readonly personUrl: (token: string) => string;
  readonly eidInfo: EidInfoSealer;
}

/** From the page GetEidToken, example 2. */
const unregisteredMerchant = '0NSJ240615216044312521';
const picture = recordingOf(new Map());

const config = z.strictObject({
  InputType: z.enum(['1', '2', '3', '4']).optional(),
  UseIntentionVerify: z.boolean().optional(),
  IntentionMode: z.enum(['1', '2', '3']).optional(),
  IntentionVerifyText: text(120).optional(),
  IntentionQuestions: z
    .array(
      z.strictObject({
        Question: text(250),
        Answers: z.array(text(10)).max(50),
      }),
    )
    .min(1)
    .max(10)
    .optional(),
  IntentionActions: z
    .array(z.strictObject({ Text: text(150) }))
    .min(1)
    .max(10)
    .optional(),
  IntentionRecognition: z.boolean().optional(),
  IsSupportHMTResidentPermitOCR: z.boolean().optional(),
  MouthOpenRecognition: z.boolean().optional(),
  Speed: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]).optional(),
});

const eidTokenParams = z.strictObject({
  MerchantId: text(50).min(1),
  IdCard: z
    .string()
    .regex(/^[A-Za-z0-9]{1,32}$/u)
    .optional(),
  Name: text(32).min(1).optional(),
  Extra: text(1024).optional(),
  Config: config.optional(),
  RedirectUrl: text(1024).optional(),
});

const eidResultParams = z.strictObject({
  EidToken: z.string(),
  InfoType: z.string().optional(),
  BestFramesCount: z.int().optional(),
  IsCutIdCardImage: z.boolean().optional(),
  IsNeedIdCardAvatar: z.boolean().optional(),
});

/** E证通: a token, its status and its result. */
export function createEidActions({ flows, now, personUrl, eidInfo }: Deps) {
  const getEidToken: TencentAction<z.output<typeof eidTokenParams>> = {
    params: eidTokenParams,
    perSecond: 100,
    encryptable: ['Name', 'IdCard'],
    run: (params) => {
      const orders = readOrders(params.Extra, 'GetEidToken');
      const ordered = orders.get('GetEidToken');
      if (ordered !== undefined) return toAnswer(ordered);
      if (params.MerchantId === unregisteredMerchant) {
        return error('FailedOperation.UnregisteredEid');
      }
      const isPassedIn = params.Config?.InputType === '4';
      if (isPassedIn && (params.Name === undefined || params.IdCard === undefined)) {
        return error('InvalidParameter');
      }
      const flow = openTencentFlow(flows, {
        provider: 'tencent-cn',
        channel: 'E_ID',
        codes: eidCodes,
        redirectUrl: params.RedirectUrl ?? null,
        extra: params.Extra ?? null,
        name: params.Name ?? null,
        idCard: params.IdCard ?? null,
        intentionMode: params.Config?.UseIntentionVerify
          ? (params.Config.IntentionMode ?? '1')
          : null,
        readsDocument: false,
        orders,
      });
      return { EidToken: flow.token, Url: personUrl(flow.token) };
    },
  };

  const checkEidTokenStatus: TencentAction<{ EidToken: string }> = {
    params: z.strictObject({ EidToken: z.string() }),
    perSecond: 2000,
    run: ({ EidToken: token }) => {
      const flow = findTencentFlow(flows, token, 'tencent-cn', 'E_ID');
      if (!isFlow(flow)) return flow;
      const ordered = flow.orders.get('CheckEidTokenStatus');
      if (ordered !== undefined) {
        const isStatus = ['init', 'doing', 'finished', 'timeout', 'unheard-of'].includes(ordered);
        return isStatus ? { Status: ordered } : toAnswer(ordered);
      }
      const isLate = flow.state !== 'finished' && flow.endsMs <= now();
      return { Status: isLate || flow.state === 'expired' ? 'timeout' : flow.state };
    },
  };

  const getEidResult: TencentAction<z.output<typeof eidResultParams>> = {
    params: eidResultParams,
    perSecond: 100,
    run: ({ EidToken: token, InfoType: infoType = '0' }) => {
      const flow = findTencentFlow(flows, token, 'tencent-cn', 'E_ID');
      if (!isFlow(flow)) return flow;
      const ordered = flow.orders.get('GetEidResult');
      const shape = ordered === undefined ? undefined : unfinishedShapes[ordered];
      if (shape) return shape();
      if (ordered !== undefined && !isNumeric(ordered)) return toAnswer(ordered);
      return withTypes(flow.orders, toEidResult(flow, infoType, eidInfo));
    },
  };

  return {
    GetEidToken: getEidToken,
    CheckEidTokenStatus: checkEidTokenStatus,
    GetEidResult: getEidResult,
  };
}

/** No document says what an unfinished flow returns, so every plausible shape is here. */
const unfinishedShapes: Readonly<Record<string, () => Record<string, unknown>>> = {
  'unfinished-absent': () => ({}),
  'unfinished-null': () => ({ Text: null, EidInfo: null, IntentionVerifyData: null }),
  'unfinished-null-text': () => ({
    Text: {
      ErrCode: null,
      ErrMsg: null,
      LiveStatus: null,
      Comparestatus: null,
      IdCard: '',
      Name: '',
    },
  }),
  'unfinished-17': () => ({ Text: { ErrCode: 17, ErrMsg: '流程未完成' } }),
  'unfinished-error': () => ({ ...error('InvalidParameter') }),
};

function toEidResult(
  flow: Flow,
  infoType: string,
  eidInfo: EidInfoSealer,
): Record<string, unknown> {
  const wants = (digit: string): boolean => infoType === '0' || infoType.includes(digit);
  const last = flow.attempts.at(-1);
  return {
    Text: {
      ...toFlowText(flow),
      ...{ IdCard: '', Name: '', OcrName: flow.name, OcrIdCard: flow.idCard },
    },
    IdCardData: wants('2') ? { OcrFront: picture, OcrBack: picture, Avatar: picture } : null,
    BestFrame: wants('3') ? { BestFrame: picture, BestFrames: [picture] } : null,
    EidInfo:
      last?.code === 0
        ? {
            EidCode: 'SANDBOX',
            EidSign: 'SANDBOX',
            ...eidInfo.seal(personOf(flow), flow.orders.get('eid')),
          }
        : null,
    ...toIntention(flow, wants),
  };
}

/** Whom the caller named, or the invented person of the provider's own pages. `who=other` orders somebody else. */
function personOf({ name, idCard, orders }: Flow): { name: string; idnum: string } {
  return orders.get('who') === 'other'
    ? { name: '沙箱', idnum: '110105199003072039' }
    : { name: name ?? '韦小宝', idnum: idCard ?? '11204416541220243X' };
}
