import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { ApolloServer } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import type { Caller } from '../../core/callers/caller.ts';
import type { CoreDeps } from '../../core/core-deps.ts';
import { operationTimeoutMs } from '../../core/claims/run-claimed.ts';
import type { GraphqlContext } from '../../graphql/context.ts';
import { createLoaders } from '../../graphql/loaders.ts';
import { createAdmission, type Admitted } from '../admission.ts';
import { ComeAgain } from '../come-again.ts';
import type { Identify } from '../identify-routed-caller.ts';
import { operationOrigin } from '../operation-origin.ts';
import { readDeadline } from '../read-deadline.ts';
import { RefusedRequest } from '../refused-request.ts';

/** JSON as UTF-8 only: a name decoded with another charset would become another name. */
const jsonType = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/iu;

/** What Apollo Server can answer with (5.5). It would execute the operation and then refuse any other type. */
const answerTypes = [
  'application/json; charset=utf-8',
  'application/graphql-response+json; charset=utf-8',
  // A router that subscribes.
  'application/json; callbackSpec=1.0; charset=utf-8',
];

/** What is known about a request before it is executed. */
interface Known {
  readonly caller: Caller;
  readonly deadlineMs: number;
  readonly admitted: Exclude<Admitted, 'refused'>;
}

export function registerGraphql(
  server: FastifyInstance,
  deps: {
    readonly apollo: ApolloServer<GraphqlContext>;
    readonly core: CoreDeps;
    readonly identify: Identify;
  },
): void {
  const { apollo, core, identify } = deps;
  const admission = createAdmission();
  const known = new WeakMap<FastifyRequest, Known>();
  const bodyBytes = new WeakMap<FastifyRequest, number>();
  const handler = fastifyApolloHandler(apollo, {
    context: async (request) => {
      const found = known.get(request);
      if (!found) throw new Error('the caller of the request was not identified');
      const loaders = createLoaders(core, found.caller, found.deadlineMs);
      return { core, ...found, loaders, bodyBytes: bodyBytes.get(request) ?? 0 };
    },
  });
  // A scope of its own, because its parser counts the bytes of each body.
  void server.register(async (scope) => {
    const parse = scope.getDefaultJsonParser('error', 'error');
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'string' },
      (request, body: string, done) => {
        bodyBytes.set(request, Buffer.byteLength(body));
        return parse(request, body, done);
      },
    );
    scope.route({
      method: 'POST',
      url: '/graphql',
      // Runs before the body is read, so that a refused request gets an HTTP status.
      onRequest: async (request, reply) => {
        void reply.header('cache-control', 'no-store');
        // The deadline includes identifying the caller and waiting for admission.
        const deadlineMs = readDeadline(request, core.now(), operationTimeoutMs);
        const caller = await identify(request);
        const {
          host = '',
          'content-type': type = '',
          'content-encoding': packed,
          accept = '',
        } = request.headers;
        // A web page could send other media types without a CORS preflight (CSRF).
        if (packed !== undefined && packed.toLowerCase() !== 'identity') {
          // RFC 7694: the header says what would be accepted.
          void reply.header('accept-encoding', 'identity');
          throw new RefusedRequest(415, 'The request must not be compressed.');
        }
        if (!jsonType.test(type)) {
          throw new RefusedRequest(415, 'Send content-type: application/json.');
        }
        if (accept !== '' && !new Negotiator(request).mediaType(answerTypes)) {
          throw new RefusedRequest(406, `Accept one of these: ${answerTypes.join(', ')}.`);
        }
        if (!URL.canParse(`http://${host}/`)) {
          throw new RefusedRequest(400, 'The Host header is not valid.');
        }
        const { as, leave } = await admission.enter();
        if (as === 'refused') throw new ComeAgain();
        reply.raw.once('close', leave);
        known.set(request, { caller, deadlineMs, admitted: as });
      },
      handler: async (request, reply) => {
        const tenant = known.get(request)?.caller.tenantId ?? '';
        const origin = operationOrigin(core, request, tenant);
        // What a caller tells support, so that the log lines of its request are found.
        void reply.header('x-request-id', origin.requestId);
        const { tracer } = core;
        return tracer.within(request.headers, () =>
          tracer.span('graphql request', { tenant }, () => {
            // Without a trace of the router, ours begins here.
            const traceId = tracer.traceId() ?? origin.traceId;
            return core.scopes.run({ ...origin, traceId }, async () =>
              handler.call(scope, request, reply),
            );
          }),
        );
      },
    });
  });
  server.route({
    method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/graphql',
    // Refuses before the body is read.
    onRequest: (_request, reply) => sayPost(reply),
    handler: (_request, reply) => sayPost(reply),
  });
}

async function sayPost(reply: FastifyReply): Promise<FastifyReply> {
  return reply
    .code(405)
    .header('allow', 'POST')
    .type('text/plain')
    .send('Send a POST. GraphiQL is at /graphiql.\n');
}
