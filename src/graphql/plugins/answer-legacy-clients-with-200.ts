import Negotiator from 'negotiator';
import type { SentResponse } from './operation-events.ts';

// As Apollo Server chooses the type of the response (5.5, chooseContentTypeForSingleResultResponse): with another
// list the status could be for one type and the response of the other.
const legacy = 'application/json; charset=utf-8';
const types = [
  legacy,
  'application/graphql-response+json; charset=utf-8',
  'application/json; callbackSpec=1.0; charset=utf-8',
];

/**
 * Responds with 200 to clients that prefer application/json, as the GraphQL-over-HTTP draft requires. A
 * gateway would turn a 400 into an opaque error. 413 for too large requests stays.
 */
export function answerLegacyClientsWith200({ request, response }: SentResponse): void {
  const accept = request.http?.headers.get('accept') ?? '';
  const negotiator = new Negotiator({ headers: { accept } });
  const isLegacy = accept === '' || negotiator.mediaType(types) !== types[1];
  const { status } = response.http;
  if (isLegacy && status !== undefined && status !== 413) response.http.status = 200;
}
