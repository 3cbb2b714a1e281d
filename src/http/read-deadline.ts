import type { FastifyRequest } from 'fastify';

/**
 * When the operation has to be answered: after `timeoutMs`, or earlier if the caller says how much
 * time it has left.
 */
export function readDeadline(request: FastifyRequest, nowMs: number, timeoutMs: number): number {
  const given = request.headers['x-request-deadline-ms'];
  const left = Math.floor(Number(given));
  // None left is none left, and not "no deadline".
  const isGiven = typeof given === 'string' && given.trim() !== '' && Number.isFinite(left);
  return nowMs + (isGiven ? Math.min(Math.max(0, left), timeoutMs) : timeoutMs);
}
