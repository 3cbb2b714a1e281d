import { z } from 'zod';
import {
  ProviderErrorResponse,
  ProviderFault,
  type ProviderCall,
  type Secret,
  type UpstreamResponse,
} from '../../src/contract/plugin-api.ts';
import { signTc3 } from './sign-tc3.ts';

/** Longer texts of an answer are pictures and videos; the longest that is read, Extra, has 1024. */
export const mediaTextsOver = 2000;

/** Whose account is used, and where. */
export interface TencentAccount {
  /** `https://faceid.tencentcloudapi.com` */
  readonly endpoint: string;
  readonly secretId: Secret;
  readonly secretKey: Secret;
  /** Only with temporary credentials. */
  readonly sessionToken?: Secret | undefined;
}

export interface TencentRequest<T> {
  readonly action: string;
  readonly version: string;
  /** Left out where the action takes none. */
  readonly region?: string | undefined;
  readonly payload: object;
  /** Reads the fields that are needed from `Response`, and no others. */
  readonly answer: z.ZodType<T>;
  /** Throws for a result code that says that nothing was done. */
  readonly refuse?: (answer: TencentAnswer<T>) => void;
}

/** An answer, with the provider's id of the request for its support. */
export type TencentAnswer<T> = T & { readonly requestId: string | null };

/**
 * Calls one action of Tencent Cloud API 3.0.
 *
 * Throws `ProviderFault`; the provider's `Response.Error.Code` is classified by the plugin's table.
 */
export function callTencent<Settings, T>(
  call: ProviderCall<Settings>,
  account: TencentAccount,
  request: TencentRequest<T>,
): Promise<TencentAnswer<T>> {
  // A JSON body of raw UTF-8, without the members that are undefined.
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
    read: (answer) => {
      const read = readEnvelope(answer, request.answer);
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

// HTTP 200 means that the platform handled the request, refusals included; anything else is the
// network's or a gateway's (source: API 3.0, "返回结果").
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
