import type { RedisServer } from '../../test/support/redis.ts';

/** What a Redis server has done since it started. */
export interface RedisCounts {
  readonly cpuUs: number;
  /** Commands that clients sent, and those that scripts called. */
  readonly commands: number;
  /** Reads from sockets: commands that arrive together are read at once. */
  readonly reads: number;
}

/** Of `INFO`; the commands of this call itself are the same each time. */
export async function redisCounts(redis: RedisServer): Promise<RedisCounts> {
  const info = String(await redis.command('INFO', 'everything'));
  const number = (name: string): number =>
    Number(new RegExp(`^${name}:([\\d.]+)`, 'mu').exec(info)?.[1] ?? 0);
  return {
    cpuUs: (number('used_cpu_sys') + number('used_cpu_user')) * 1e6,
    commands: number('total_commands_processed'),
    reads: number('total_reads_processed'),
  };
}
