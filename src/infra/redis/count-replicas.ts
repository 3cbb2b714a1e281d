import { randomBytes } from 'node:crypto';
import type { RedisClient } from './connect-redis.ts';
import { createScript } from './script.ts';

export interface ReplicaCount {
  /** The last known number; 1 before the first beat. */
  readonly current: () => number;
  readonly stop: () => void;
}

const everyMs = 1000;
const goneAfterMs = 5000;

/** ARGV: id of this replica, age at which a replica counts as gone, retention; both in ms. */
const beat = createScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('ZCARD', KEYS[1])
`);

/** Counts the replicas that use one Redis. Each sends a beat once a second. */
export function countReplicas(
  client: RedisClient,
  mode: string,
  /** Called with the round trip time of each beat. */
  onRoundTrip: (ms: number) => void = () => {},
): ReplicaCount {
  const id = randomBytes(8).toString('base64url');
  let known = 1;
  const tick = async (): Promise<void> => {
    try {
      const args = [id, goneAfterMs, goneAfterMs * 2];
      const sentMs = performance.now();
      known = Number(await beat.run(client, `vs:${mode}:replicas`, args));
      onRoundTrip(performance.now() - sentMs);
    } catch {
      // Without Redis the last number stays.
    }
  };
  void tick();
  const timer = setInterval(() => void tick(), everyMs);
  timer.unref();
  return { current: () => known, stop: () => clearInterval(timer) };
}
