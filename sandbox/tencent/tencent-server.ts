import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createCounter } from '../counter.ts';
import { isWireFault, type WireFault } from '../magic.ts';
import { answerWithWireFault } from '../wire-fault.ts';
import type { Decryptor } from './decrypt-params.ts';
import type { TencentCredentials } from './find-credentials.ts';
import { withRecordings } from './media.ts';
import { readSignedCall } from './read-signed-call.ts';

/** One emulated action of Tencent Cloud API 3.0. */
export interface TencentAction<Params> {
  readonly params: z.ZodType<Params>;
  readonly perSecond: number;
  /** The regions that the page lists. Others are refused. */
  readonly regions?: readonly string[];
  /** Parameters that may be encrypted. */
  readonly encryptable?: readonly string[];
  /** Members of the response that are encrypted on request. */
  readonly encryptsAnswer?: readonly string[];
  /** Whether the page requires a region. */
  readonly needsRegion?: boolean;
  /** Returns the members of `Response`, a `TencentError`, or the name of a wire fault. */
  readonly run: (params: Params) => Record<string, unknown> | TencentError | WireFault;
}

export interface TencentError {
  readonly errorCode: string;
}

export interface TencentServerOptions {
  readonly version: string;
  readonly credentials: readonly TencentCredentials[];
  // Each action reads its own parameters; the server only passes them on.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly actions: Readonly<Record<string, TencentAction<any>>>;
  readonly now: () => number;
  readonly decryptor?: Decryptor;
  /** The provider's own texts of its error codes. */
  readonly errorTexts: Readonly<Record<string, string>>;
}

/** Used if a page has no text of its own. */
const commonTexts: Readonly<Record<string, string>> = {
  'AuthFailure.SignatureFailure':
    'The provided credentials could not be validated. Please check your signature is correct.',
  'AuthFailure.SignatureExpire': 'Signature expired. Please check that the clock is right.',
  'AuthFailure.SecretIdNotFound': 'The SecretId is not found.',
  'AuthFailure.TokenFailure': 'The token does not belong to the SecretId.',
  RequestLimitExceeded: 'The number of requests exceeds the frequency limit.',
  RequestSizeLimitExceeded: 'The request is too large. Use TC3-HMAC-SHA256 for up to 10 MB.',
  MissingParameter: 'A parameter is missing.',
  UnknownParameter: 'A parameter is not known.',
  UnsupportedRegion: 'The region is not supported.',
};

/** Larger requests are refused (API 3.0, request structure). */
const mostBytes = { v1: 1024 * 1024, tc3: 10 * 1024 * 1024 } as const;

/**
 * An endpoint of Tencent Cloud API 3.0 as the official SDKs expect it: `/` by POST with JSON, or by GET. It
 * verifies signatures, checks parameters and enforces the rate limit. Refusals have HTTP 200 as well.
 */
export function createTencentServer(options: TencentServerOptions): FastifyInstance {
  const server = fastify({ bodyLimit: 12 * 1024 * 1024 });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  const isOverLimit = createCounter(options.now);

  server.route({
    method: ['GET', 'POST'],
    url: '/',
    handler: async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const query = request.raw.url?.split('?')[1] ?? '';
      const answer = answerTo(request, body, query);
      return typeof answer === 'string'
        ? answerWithWireFault(answer, reply)
        : send(reply, answer, options.errorTexts);
    },
  });

  function answerTo(
    request: FastifyRequest,
    body: Buffer,
    query: string,
  ): Record<string, unknown> | TencentError | WireFault {
    const headers = request.headers as Record<string, string | undefined>;
    const call = readSignedCall(
      { method: request.method, query, headers, body },
      options.credentials,
      options.now(),
    );
    if (typeof call === 'string') return error(call);
    if (body.length > mostBytes[call.signature]) return error('RequestSizeLimitExceeded');
    const { name, params, region } = call;
    if (call.version !== options.version) return error('NoSuchVersion');
    const action = Object.hasOwn(options.actions, name) ? options.actions[name] : undefined;
    if (!action) return error('InvalidAction');
    if (region === undefined && action.needsRegion === true) return error('MissingParameter');
    if (region !== undefined && action.regions?.includes(region) === false) {
      return error('UnsupportedRegion');
    }
    if (isOverLimit(name, action.perSecond)) return error('RequestLimitExceeded');
    const clear = options.decryptor?.decrypt(params, action.encryptable ?? []) ?? params;
    if (typeof clear === 'string') return error(clear);
    const parsed = action.params.safeParse(clear);
    if (!parsed.success) return error(toErrorCode(parsed.error, clear));
    const answer = action.run(parsed.data);
    const isResult = typeof answer !== 'string' && !isTencentError(answer);
    return isResult && action.encryptsAnswer
      ? (options.decryptor?.encryptAnswer(params, answer, action.encryptsAnswer) ?? answer)
      : answer;
  }

  return server;
}

export function error(errorCode: string): TencentError {
  return { errorCode };
}

/** An ordered error, in the form that the server sends. */
export function toAnswer(ordered: string): TencentError | WireFault {
  return isWireFault(ordered) ? ordered : error(ordered);
}

/** Text of at most this many code points. */
export function text(mostCharacters: number) {
  return z.string().refine((given) => Array.from(given).length <= mostCharacters);
}

function send(
  reply: FastifyReply,
  answer: Record<string, unknown> | TencentError,
  texts: Readonly<Record<string, string>>,
): FastifyReply {
  const requestId = randomUUID();
  const response = isTencentError(answer)
    ? {
        Error: {
          Code: answer.errorCode,
          Message: texts[answer.errorCode] ?? commonTexts[answer.errorCode] ?? answer.errorCode,
        },
      }
    : answer;
  const json = JSON.stringify({ Response: { ...response, RequestId: requestId } });
  return reply.type('application/json').send(withRecordings(json));
}

function isTencentError(answer: Record<string, unknown> | TencentError): answer is TencentError {
  return typeof answer['errorCode'] === 'string';
}

function toErrorCode(failure: z.ZodError, params: Record<string, unknown>): string {
  const issue = failure.issues[0];
  if (issue?.code === 'unrecognized_keys') return 'UnknownParameter';
  const [first] = issue?.path ?? [];
  const isMissing = issue?.path.length === 1 && params[String(first)] === undefined;
  return isMissing ? 'MissingParameter' : 'InvalidParameter';
}
