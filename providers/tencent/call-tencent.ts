import { z } from 'zod';
import {
  ProviderErrorResponse,
  ProviderFault,
  type ProviderCall,
  type Secret,
  type UpstreamResponse,
} from '../../src/contract/plugin-api.ts';
import { signTc3 } from './sign-tc3.ts';

/**
 * Longer strings in a response are pictures and videos. The longest string that is needed, Extra, has 1024
 * characters.
 */
export const mediaTextsOver = 2000;

/** The account and the endpoint of a call. */
export interface TencentAccount {
  /** `https://faceid.tencentcloudapi.com` */
  readonly endpoint: string;
  readonly secretId: Secret;
  readonly secretKey: Secret;
  /** Only for temporary credentials. */
  readonly sessionToken?: Secret | undefined;
}

export interface TencentRequest<T> {
  readonly action: string;
  readonly version: string;
  /** Left out if the action has no region. */
  readonly region?: string | undefined;
  readonly payload: object;
  /** Reads the needed fields of `Response`, and no others. */
  readonly answer: z.ZodType<T>;
  /** Throws for a result code which says that nothing was done. */
  readonly refuse?: (answer: TencentAnswer<T>) => void;
}

/** A response, with the provider's id of the request for its support. */
export type TencentAnswer<T> = T & { readonly requestId: string | null };

/**
 * Calls one action of Tencent Cloud API 3.0.
 *
 * Throws `ProviderFault`. The plugin's table classifies the provider's `Response.Error.Code`.
 */
export function callTencent<Settings, T>(
  call: ProviderCall<Settings>,
  account: TencentAccount,
  request: TencentRequest<T>,
): Promise<TencentAnswer<T>> {
  // A JSON body of raw UTF-8, without undefined members.
  const body = JSON.stringify(request.payload);
  const contentType = 'application/json';
  return call.send({
    action: request.action,
    build: (nowMs) => {
      const timestamp = Math.floor(nowMs / 1000);
      const authorization = signTc3(
        {
          service: 'faceid',
          host: new URL(account.endpoint).hostname,
          contentType,
          body,
          timestamp,
        },
        account.secretId,
        account.secretKey,
      );
      return {
        method: 'POST',
        url: new URL('/', account.endpoint).href,
        headers: {
          'content-type': contentType,
          'x-tc-action': request.action,
          'x-tc-version': request.version,
          'x-tc-timestamp': String(timestamp),
          ...(request.region === undefined ? {} : { 'x-tc-region': request.region }),
          ...(account.sessionToken ? { 'x-tc-token': account.sessionToken.reveal() } : {}),
          authorization,
        },
        body,
      };
    },
    read: (answer, notes) => {
      const read = readEnvelope(answer, request.answer);
      if (read.requestId) notes.requestId(read.requestId);
      request.refuse?.(read);
      return read;
    },
  });
}

const envelope = z.object({
  Response: z.looseObject({
    Error: z.object({ Code: z.string() }).optional(),
    RequestId: z.string().nullish(),
  }),
});

// HTTP 200 means that the platform handled the request, even if it refused it. Any other status comes from
// the network or a gateway (source: API 3.0, "返回结果").
function readEnvelope<T>(answer: UpstreamResponse, schema: z.ZodType<T>): TencentAnswer<T> {
  if (answer.status !== 200) throw new ProviderFault('protocol');
  const { Response: response } = envelope.parse(JSON.parse(answer.body.toString('utf8')));
  const requestId = response.RequestId ?? null;
  if (response.Error) {
    throw new ProviderErrorResponse(response.Error.Code, { requestId: requestId ?? undefined });
  }
  const parsed = schema.safeParse(response);
  if (!parsed.success) {
    throw new ProviderFault('protocol', { providerRequestId: requestId ?? undefined });
  }
  return { ...parsed.data, requestId };
}
