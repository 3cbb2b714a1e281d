import type { FastifyRequest } from 'fastify';

/**
 * When the operation has to be answered: after `timeoutMs`, or earlier if the caller says how much
 * time it has left.
 */
export function readDeadline(request: FastifyRequest, nowMs: number, timeoutMs: number): number {
  const left = Math.floor(Number(request.headers['x-request-deadline-ms']));
  return nowMs + (Number.isFinite(left) && left > 0 ? Math.min(left, timeoutMs) : timeoutMs);
}
