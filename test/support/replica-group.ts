import { startRedis, type RedisServer } from './redis.ts';
import {
  startLedgerProvider,
  startReplica,
  type LedgerProvider,
  type Replica,
} from './replicas.ts';
import { until } from './until.ts';

export interface ReplicaGroup {
  readonly redis: RedisServer;
  readonly provider: LedgerProvider;
  /** The replica at this number, which may be larger than their count. */
  readonly oneOf: (at: number) => Replica;
  /** Kills the replica at this number and starts another in its place. */
  readonly replace: (at: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Replicas on one Redis, before one provider with a ledger. They serve once this resolves. */
export async function startReplicaGroup(
  count: number,
  given: {
    readonly env?: Readonly<Record<string, string>>;
    /** Is stopped with the group. */
    readonly redis?: RedisServer;
  } = {},
): Promise<ReplicaGroup> {
  const [redis, provider] = await Promise.all([given.redis ?? startRedis(), startLedgerProvider()]);
  const replicas: Replica[] = [];
  const oneOf = (at: number): Replica => {
    const replica = replicas[at % replicas.length];
    if (!replica) throw new Error('no replica');
    return replica;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(replicas.map((replica) => replica.kill()));
    await provider.stop();
    await redis.stop();
  };
  try {
    const startOne = (): Promise<Replica> => startReplica(redis.url, provider.url, given.env);
    replicas.push(...(await Promise.all(Array.from({ length: count }, startOne))));
    // Calls wait until a new Redis is a second old.
    await until(async () => (await oneOf(0).check('warm', 'warm'))?.check, 30_000);
    return {
      redis,
      provider,
      oneOf,
      replace: async (at) => {
        await oneOf(at).kill();
        replicas[at % count] = await startOne();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
