import type { RedisConnection } from '../infra/redis/connect-redis.ts';
import type { RedisConfig } from './config.ts';

/** Opens the secrets of the settings, for a connection. */
export function toRedisConnection({ url, tls, sentinelLogin }: RedisConfig): RedisConnection {
  return {
    url: url.reveal(),
    tls: { ...tls, key: tls.key?.reveal() },
    sentinelLogin: { ...sentinelLogin, password: sentinelLogin.password?.reveal() },
  };
}
