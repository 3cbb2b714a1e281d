import { z } from 'zod';
import {
  ProviderErrorResponse,
  ProviderFault,
  type ProviderCall,
  type UpstreamResponse,
} from '../../src/contract/plugin-api.ts';
import {
  optionalMoment,
  optionalNumber,
  optionalSimilarity,
  optionalText,
} from '../shared/answer-fields.ts';
import { explain, flowCodes, nonceRefused } from './mapping.ts';
import { parseKeepingFlowId } from './parse-keeping-flow-id.ts';
import type { OemcloudSettings } from './settings.ts';

// Sources: the page OEMCloud实人认证 for the start. It has no queries; those are e签宝's, the upstream provider
// (2026-01-09).
type Call = ProviderCall<OemcloudSettings>;

export interface FaceRequest {
  readonly name: string;
  readonly idNo: string;
  readonly faceauthMode: 'TENCENT' | 'ZHIMACREDIT' | 'WE_CHAT_FACE';
  readonly callbackUrl?: string | undefined;
  readonly notifyUrl: string;
  readonly contextId?: string | undefined;
  /** Only in the page's sample. */
  readonly repetition?: boolean | undefined;
}

/** Digits, more than a number can hold. `readResponse` keeps a numeric flowId as text. */
const flowId = z.union([z.string().min(1), z.number().transform(String)]);

const startedFlow = z.object({
  flowId,
  authUrl: optionalText,
  originalUrl: optionalText,
  faceToken: optionalText,
  expire: optionalMoment,
});

export type StartedFlow = z.output<typeof startedFlow>;

export function startFace(call: Call, payload: FaceRequest): Promise<StartedFlow> {
  return call.send({
    action: 'individual/face',
    build: (_nowMs, nonceMs) => ({
      method: 'POST',
      url: urlOf(call, '/v2/identity/auth/api/individual/face'),
      headers: { ...headersOf(call, nonceMs), 'content-type': 'application/json' },
      body: JSON.stringify(payload),
    }),
    read: (response, notes) => {
      const { code, data, ...details } = readResponse(response);
      if (details.requestId) notes.requestId(details.requestId);
      if (code !== '0') throw new ProviderErrorResponse(code, details);
      return startedFlow.parse(data);
    },
  });
}

const faceState = z
  .object({
    status: optionalText,
    similarity: optionalSimilarity,
    livingScore: optionalNumber,
    failedReasonCode: z
      .union([z.string(), z.number().transform(String)])
      .nullish()
      .catch(null),
  })
  .transform((face) => ({ ...noState, ...face }));

const detailState = z
  .object({
    status: optionalText,
    endTime: optionalMoment,
    // Phone, card number and a photo are next to these fields and are not read.
    indivInfo: z
      .object({
        similarity: optionalSimilarity,
        livingScore: optionalNumber,
        name: optionalText,
        certNo: optionalText,
      })
      .nullish()
      .catch(null),
  })
  .transform(({ status, endTime, indivInfo }) => ({
    ...noState,
    status,
    completedAtMs: endTime,
    similarity: indivInfo?.similarity ?? null,
    livingScore: indivInfo?.livingScore ?? null,
    name: indivInfo?.name ?? null,
    idNumber: indivInfo?.certNo ?? null,
  }));

const outlineState = z
  .object({ flowStatus: optionalText })
  .transform(({ flowStatus }) => ({ ...noState, status: flowStatus }));

/** The state of a flow. Each query reports part of it. */
export interface FlowState {
  readonly status: string | null | undefined;
  readonly similarity: number | null;
  readonly livingScore: number | null;
  readonly completedAtMs: number | null;
  readonly failedReasonCode: string | null | undefined;
  /** Only the query `detail` names the person. */
  readonly name: string | null;
  readonly idNumber: string | null;
}

const noState: FlowState = {
  status: null,
  similarity: null,
  livingScore: null,
  completedAtMs: null,
  failedReasonCode: null,
  name: null,
  idNumber: null,
};

interface FlowQuery {
  readonly action: string;
  readonly pathOf: (id: string) => string;
  readonly state: z.ZodType<FlowState>;
}

/** The queries, by their name in OEMCLOUD_OUTCOME. */
export const flowQueries = {
  outline: {
    action: 'common/outline',
    pathOf: (id) => `/v2/identity/auth/api/common/${id}/outline`,
    state: outlineState,
  },
  detail: {
    action: 'common/detail',
    pathOf: (id) => `/v2/identity/auth/api/common/${id}/detail`,
    state: detailState,
  },
  face: {
    action: 'pub/individual/face',
    pathOf: (id) => `/v2/identity/auth/pub/individual/${id}/face`,
    state: faceState,
  },
} as const satisfies Record<string, FlowQuery>;

/** The state of a flow, or the code that replaces it (`flowCodes`). */
export function queryFlow(
  call: Call,
  query: FlowQuery,
  id: string,
): Promise<{ readonly state: FlowState } | { readonly code: string }> {
  return call.send({
    action: query.action,
    build: (_nowMs, nonceMs) => ({
      method: 'GET',
      url: urlOf(call, query.pathOf(encodeURIComponent(id))),
      headers: headersOf(call, nonceMs),
    }),
    read: (response, notes) => {
      const { code, data, ...details } = readResponse(response);
      if (details.requestId) notes.requestId(details.requestId);
      if (code === '0') return { state: query.state.parse(data) };
      if (Object.hasOwn(flowCodes, code)) return { code };
      throw new ProviderErrorResponse(code, details);
    },
  });
}

function urlOf(call: Call, path: string): string {
  return new URL(path, call.settings.endpoint).href;
}

function headersOf(call: Call, nonceMs: number): Record<string, string> {
  return {
    authorization: `APPCODE ${call.settings.appCode.reveal()}`,
    'x-ca-nonce': String(nonceMs),
  };
}

const envelope = z.looseObject({
  code: z.union([z.string(), z.number()]).transform(String),
  message: optionalText,
  data: z.looseObject({}).nullish(),
});

/**
 * The gateway's refusals are in headers. With an HTTP status below 500 the body's code decides, because the
 * page does not say which status comes with it.
 */
function readResponse(response: UpstreamResponse): {
  readonly code: string;
  readonly data: unknown;
  readonly requestId: string | undefined;
  readonly explanation: string | undefined;
} {
  const { headers, status } = response;
  const requestId = headers['x-ca-request-id'];
  const gatewayCode = headers['x-ca-error-code'];
  // Without a gateway code the backend made the response. With a gateway code and a success status the
  // origin is not clear.
  if (gatewayCode && status >= 400) {
    const isNonce = isRefusal(gatewayCode) && /nonce/iu.test(headers['x-ca-error-message'] ?? '');
    throw new ProviderErrorResponse(isNonce ? nonceRefused : gatewayCode, { requestId });
  }
  if (gatewayCode || status >= 500) throw new ProviderFault('protocol');
  const body = envelope.parse(parseKeepingFlowId(response.body.toString('utf8')));
  if (body.code === '0' && status !== 200) throw new ProviderFault('protocol');
  // The page's table has the fields next to the code, its sample inside `data`.
  return {
    code: body.code,
    data: body.data ?? body,
    requestId: supportNumberOf(body) ?? requestId,
    explanation: explain(body.code, body.message ?? ''),
  };
}

/** 30500000 says "contact support, ID:XXXX". */
function supportNumberOf({ code, message }: z.output<typeof envelope>): string | undefined {
  if (code !== '30500000') return undefined;
  return /ID\s*[:：]\s*([\w-]+)/u.exec(message ?? '')?.[1];
}

/** A 4xx code by which the gateway itself refuses: not D, N or X. */
function isRefusal(gatewayCode: string): boolean {
  return /^[ABIST]4\d\d/u.test(gatewayCode);
}
