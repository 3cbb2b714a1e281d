import type { Socket } from 'node:net';
import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import type { Log, Metrics, RequestRefusal } from '../ports/index.ts';
import { AccessDenied, Unauthenticated } from '../core/callers/caller.ts';
import { logBug } from '../core/log-bug.ts';
import { errorTexts, type ErrorCode } from '../graphql/mask-error.ts';
import { ComeAgain } from './come-again.ts';
import { IdentityUnavailable } from './jwt-reader.ts';
import { refusalReason } from './refusal-reason.ts';
import { RefusedRequest } from './refused-request.ts';
import { createRefusalTeller } from '../core/create-refusal-teller.ts';

export interface ServerDeps {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'requestRefused'>;
  /** Whether the process will stop: requests are still served. */
  readonly isStopping: () => boolean;
  /** Whether requests are refused. */
  readonly isDraining: () => boolean;
}

/** An 8 MB image in base64, and the rest of its request. */
const bodyLimit = 9 * 1024 * 1024;
/** Time limit for receiving a whole request. Processing it may take longer. */
const requestTimeoutMs = 8000;
const headersTimeoutMs = 5000;

/**
 * Averages over half a second. Above them, the requests in flight could not finish in time. The last 10 %
 * of the heap are reserved for those.
 */
const pressure = {
  maxEventLoopDelay: 1000,
  maxHeapUsedBytes: 0.9 * getHeapStatistics().heap_size_limit,
  sampleInterval: 500,
};

/** What needs a person is an error or a warning. Callers make mistakes every day. */
const levelOf = {
  router_secret: 'warn',
  caller: 'info',
  identity_provider: 'error',
  busy: 'warn',
  malformed: 'info',
} as const satisfies Record<RequestRefusal, 'info' | 'warn' | 'error'>;

/**
 * A Fastify server without routes: limits against slow and large requests, errors in GraphQL's shape with
 * fixed texts, connections closed while draining.
 *
 * Fastify's requestTimeout alone does not stop slow bodies: Node checks only every
 * connectionsCheckingInterval, 30 s by default.
 */
export function createServer({
  log,
  metrics,
  isStopping,
  isDraining,
}: ServerDeps): FastifyInstance {
  const tellRefusal = createRefusalTeller((name, count) => {
    const reason = name as RequestRefusal;
    log.event(levelOf[reason], 'requests_refused', { reason, count });
  });
  const server = fastify({
    bodyLimit,
    // No request log: paths contain capabilities.
    logger: false,
    routerOptions: { maxParamLength: 1024 },
    // Fastify's own errors repeat the path, which may contain a capability.
    frameworkErrors: (_error, _request, reply: FastifyReply) => {
      void reply.code(400).send(toGraphqlError('BAD_REQUEST'));
    },
    clientErrorHandler: answerUnreadable,
    forceCloseConnections: 'idle',
    // Fastify's own response has another shape.
    return503OnClosing: false,
    // A Fastify option: Fastify would reset a timeout set on Node's server to none.
    requestTimeout: requestTimeoutMs,
    http: { headersTimeout: headersTimeoutMs, connectionsCheckingInterval: 1000 },
  });

  // Health checks and metrics must work however busy the process is.
  void server.register(underPressure, {
    ...pressure,
    pressureHandler: (request, _reply, _type, _value) => {
      if (!request.url.startsWith('/health/') && request.url !== '/metrics') throw new ComeAgain();
    },
  });

  // No body is read before authentication. Each route that takes a body registers its own parser.
  server.removeAllContentTypeParsers();
  server.addHook('onRequest', async (request, reply) => {
    if (isDraining() && !request.url.startsWith('/health/')) throw new ComeAgain();
    if (request.is404) return notFound(reply);
  });

  server.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    // A client that keeps its connection would send into one that is about to be closed.
    if (isStopping()) reply.header('connection', 'close');
  });

  server.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = refusalReason(error);
    if (refusal !== null) {
      metrics.requestRefused(refusal);
      tellRefusal(refusal);
    }
    if (error instanceof Unauthenticated) {
      return reply.code(401).send(toGraphqlError('UNAUTHENTICATED'));
    }
    if (error instanceof IdentityUnavailable) {
      return reply.code(503).header('retry-after', '1').send(toGraphqlError('SERVICE_UNAVAILABLE'));
    }
    if (error instanceof AccessDenied) return reply.code(403).send(toGraphqlError('FORBIDDEN'));
    if (error instanceof RefusedRequest) {
      return reply.code(error.statusCode).send(toGraphqlError('BAD_REQUEST', error.message));
    }
    const status = error.statusCode ?? 500;
    if (status === 503) void reply.header('retry-after', '1');
    else if (status >= 500)
      logBug(log, `${request.method} ${request.routeOptions.url ?? ''}`, error);
    return reply.code(status).send(toGraphqlError(codeOfStatus(status)));
  });

  server.setNotFoundHandler((_request, reply) => notFound(reply));
  return server;
}

function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).type('text/plain').send('Not found\n');
}

/** Responds to a request that Node could not parse, with an error in the usual shape. */
function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  const [status, text] = statusOfUnreadable[error.code ?? ''] ?? ([400, 'Bad Request'] as const);
  const body = JSON.stringify(toGraphqlError(codeOfStatus(status)));
  if (!socket.writable) return void socket.destroy();
  socket.end(
    [
      `HTTP/1.1 ${status} ${text}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

const statusOfUnreadable: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};

function codeOfStatus(status: number): ErrorCode {
  if (status === 413) return 'PAYLOAD_TOO_LARGE';
  if (status === 503) return 'SERVICE_UNAVAILABLE';
  return status < 500 ? 'BAD_REQUEST' : 'INTERNAL_SERVER_ERROR';
}

function toGraphqlError(code: ErrorCode, message: string = errorTexts[code]): object {
  return { errors: [{ message, extensions: { code } }] };
}
