import Negotiator from 'negotiator';
import type { SentResponse } from './operation-events.ts';

const types = ['application/json', 'application/graphql-response+json'];

/**
 * Responds with 200 to clients that prefer application/json, as the GraphQL-over-HTTP draft requires. A
 * gateway would turn a 400 into an opaque error. 413 for too large requests stays.
 */
export function answerLegacyClientsWith200({ request, response }: SentResponse): void {
  // The same media type negotiation as Apollo's.
  const accept = request.http?.headers.get('accept') ?? '';
  const negotiator = new Negotiator({ headers: { accept } });
  const isLegacy = accept === '' || negotiator.mediaType(types) !== types[1];
  const { status } = response.http;
  if (isLegacy && status !== undefined && status !== 413) response.http.status = 200;
}
