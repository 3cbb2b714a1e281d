import type { FastifyRequest } from 'fastify';

/**
 * The deadline of the operation: after `timeoutMs`, or earlier if the caller says how much time it has
 * left.
 */
export function readDeadline(request: FastifyRequest, nowMs: number, timeoutMs: number): number {
  const given = request.headers['x-request-deadline-ms'];
  const left = Math.floor(Number(given));
  // 0 means that no time is left, not that there is no deadline.
  const isGiven = typeof given === 'string' && given.trim() !== '' && Number.isFinite(left);
  return nowMs + (isGiven ? Math.min(Math.max(0, left), timeoutMs) : timeoutMs);
}
