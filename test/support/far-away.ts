import type { Socket } from 'node:net';
import { startRedisProxy, type RedisProxy } from './redis-proxy.ts';

/** A Redis of this host behind a network with this delay in each direction. */
export function startFarAway(redisPort: number, oneWayMs: number): Promise<RedisProxy> {
  const delay = (from: Socket, to: Socket): void => {
    from.setNoDelay(true);
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), oneWayMs));
  };
  return startRedisProxy(redisPort, (client, upstream) => {
    delay(client, upstream);
    delay(upstream, client);
  });
}
