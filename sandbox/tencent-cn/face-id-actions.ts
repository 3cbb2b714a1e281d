import { z } from 'zod';
import type { Flow, Flows } from '../flows.ts';
import { isNumeric, readOrders } from '../magic.ts';
import { recordingOf } from '../tencent/media.ts';
import { findTencentFlow, isFlow, openTencentFlow } from '../tencent/tencent-flow.ts';
import { error, text, toAnswer, type TencentAction } from '../tencent/tencent-server.ts';
import { withTypes } from '../tencent/with-types.ts';
import { faceIdCodes } from './codes.ts';

const maxImageLength = 8 * 1024 * 1024;
const picture = recordingOf(new Map());

const faceIdTokenParams = z.strictObject({
  CompareLib: z.enum(['LOCAL', 'BUSINESS']),
  IdCard: z.string().optional(),
  Name: z.string().optional(),
  ImageBase64: z
    .string()
    .regex(/^[A-Za-z0-9+/]+={0,2}$/u)
    .optional(),
  Meta: z.string().optional(),
  Extra: text(1000).optional(),
  UseCos: z.boolean().optional(),
  RuleId: z.string().optional(),
  MetaData: z.string().optional(),
});

const faceIdResultParams = z.strictObject({
  FaceIdToken: z.string(),
  IsNeedVideo: z.boolean().optional(),
  IsNeedBestFrame: z.boolean().optional(),
  IsEncryptResponse: z.boolean().optional(),
});

/** The app SDK: a token and its result. */
export function createFaceIdActions({
  flows,
  now,
}: {
  readonly flows: Flows;
  readonly now: () => number;
}) {
  const getFaceIdToken: TencentAction<z.output<typeof faceIdTokenParams>> = {
    params: faceIdTokenParams,
    perSecond: 100,
    encryptable: ['Name', 'IdCard'],
    regions: ['ap-beijing', 'ap-chengdu', 'ap-guangzhou', 'ap-shanghai'],
    run: (params) => {
      const orders = readOrders(params.Extra, 'GetFaceIdToken');
      const ordered = orders.get('GetFaceIdToken');
      if (ordered !== undefined) return toAnswer(ordered);
      const isBusiness = params.CompareLib === 'BUSINESS';
      if (isBusiness && (params.Name === undefined || params.IdCard === undefined)) {
        return error('InvalidParameter');
      }
      if (!isBusiness && params.ImageBase64 === undefined) return error('InvalidParameter');
      // Page GetFaceIdToken, example 2: it returns this error although it sends no image.
      const isPageExample = params.Name === '刘洋' && params.IdCard === '440305199505132561';
      if (isPageExample || (params.ImageBase64?.length ?? 0) > maxImageLength) {
        return error('FailedOperation.ImageSizeTooLarge');
      }
      const flow = openTencentFlow(flows, {
        provider: 'tencent-cn',
        channel: 'FACE_SDK',
        codes: faceIdCodes,
        redirectUrl: null,
        extra: params.Extra ?? null,
        name: params.Name ?? null,
        idCard: params.IdCard ?? null,
        intentionMode: null,
        readsDocument: false,
        isInBucket: params.UseCos === true,
        orders,
      });
      return { FaceIdToken: flow.token, ClientConfig: '{"sandbox":true}' };
    },
  };

  const getFaceIdResult: TencentAction<z.output<typeof faceIdResultParams>> = {
    params: faceIdResultParams,
    perSecond: 100,
    encryptsAnswer: ['IdCard', 'Name'],
    run: ({ FaceIdToken: token, IsNeedVideo: needsVideo, IsNeedBestFrame: needsFrame }) => {
      const flow = findTencentFlow(flows, token, 'tencent-cn', 'FACE_SDK');
      if (!isFlow(flow)) return flow;
      const ordered = flow.orders.get('GetFaceIdResult');
      const shape = ordered === undefined ? undefined : unfinishedFaceIdShapes[ordered];
      if (shape) return shape();
      if (ordered !== undefined && !isNumeric(ordered)) return toAnswer(ordered);
      const last = flow.attempts.at(-1);
      const isOpen = last === undefined || flow.state !== 'finished';
      if (isOpen) return { Result: flow.endsMs <= now() ? '15' : '', Description: '' };
      return withTypes(flow.orders, {
        IdCard: flow.idCard,
        Name: flow.name,
        Result: String(last.code),
        Description: last.code === 0 ? '成功' : '失败',
        Similarity: last.code === 0 ? 97.31 : 42,
        VideoBase64: needsVideo ? (bucketed(flow, 'video.mp4') ?? recordingOf(flow.orders)) : null,
        BestFrameBase64: needsFrame ? (bucketed(flow, 'frame.jpg') ?? picture) : null,
        Extra: flow.extra,
        DeviceInfoTag: null,
        RiskInfoTag: last.code === 1007 ? '02' : null,
        LivenessInfoTag: null,
        DeviceInfoLevel: '1',
      });
    },
  };

  return { GetFaceIdToken: getFaceIdToken, GetFaceIdResult: getFaceIdResult };
}

/** With UseCos an address of the caller's own bucket stands where base64 would. Null without. */
function bucketed({ isInBucket, token }: Flow, name: string): string | null {
  const host = 'sandbox-1250000000.cos.ap-guangzhou.myqcloud.com';
  return isInBucket === true ? `https://${host}/faceid/${token}/${name}` : null;
}

const unfinishedFaceIdShapes: Readonly<Record<string, () => Record<string, unknown>>> = {
  'unfinished-absent': () => ({}),
  'unfinished-null': () => ({ Result: null, Description: null }),
  'unfinished-empty': () => ({ Result: '', Description: '' }),
  'unfinished-error': () => ({ ...error('InvalidParameter') }),
};
