import type { FastifyRequest } from 'fastify';
import { sanitizeRequestId } from '../contract/index.ts';
import type { Random } from '../core/core-deps.ts';
import type { OperationOrigin } from '../ports/index.ts';

/** A W3C trace context: version, trace id, parent id, flags. A trace id of zeros is not valid. */
const traceparent = /^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]{2}(?:$|-)/u;

/** Where a request of the router comes from, as log lines name it. */
export function operationOrigin(
  { randomBytes }: Random,
  { headers }: FastifyRequest,
  tenant: string,
): OperationOrigin & { readonly requestId: string } {
  const { 'x-request-id': requestId, traceparent: trace } = headers;
  // Anything else could be a text of a client, such as an ID number.
  const isId = typeof requestId === 'string' && sanitizeRequestId(requestId) === requestId;
  const [, traceId = null] = (typeof trace === 'string' && traceparent.exec(trace)) || [];
  return { tenant, requestId: isId ? requestId : newRequestId(randomBytes), traceId };
}

function newRequestId(randomBytes: Random['randomBytes']): string {
  return `req_${randomBytes(16).toString('base64url')}`;
}
