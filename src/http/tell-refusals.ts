import type { Telemetry } from '../core/core-deps.ts';

const tellEveryMs = 60_000;

/** Logs refused notifications once a minute at most, because anybody can send them. */
export function createRefusalTeller(
  { log }: Pick<Telemetry, 'log'>,
  nowMs: () => number = () => performance.now(),
): (provider: string) => void {
  const known = new Map<string, { count: number; toldMs: number }>();
  return (provider) => {
    const refusals = known.get(provider) ?? { count: 0, toldMs: -Infinity };
    known.set(provider, refusals);
    refusals.count += 1;
    if (nowMs() - refusals.toldMs < tellEveryMs) return;
    log.event('warn', 'notifications_refused', { provider, count: refusals.count });
    refusals.toldMs = nowMs();
    refusals.count = 0;
  };
}
