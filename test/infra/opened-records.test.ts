import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redactVerification } from '../../src/core/redaction/redact-verification.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { StoreUnavailable } from '../../src/ports/index.ts';
import { redisStoreOf, startRedis, type RedisServer } from '../support/redis.ts';
import { callerOf, createTestCore } from '../support/test-core.ts';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

/** Two verifications in Redis, the first of which was read a moment ago. */
async function begin() {
  await redis.command('FLUSHALL');
  const { client, store } = await redisStoreOf(redis.url);
  const { deps } = createTestCore({ store: () => store });
  const start = async (idempotencyKey: string): Promise<string> => {
    const input = { idempotencyKey, channel: 'FACE_WEB' };
    const outcome = await startVerification(deps, callerOf(), input, deps.now() + 9000);
    if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
    return outcome.verification.id;
  };
  const read = async (id: string, caller = callerOf()) =>
    (await readVerifications(deps, caller, [id], deps.now() + 9000))[0];
  const [first, second] = [await start('first'), await start('second')];
  const opened = await read(first);
  return { client, store, deps, read, first, second, opened };
}

/** The keys of the bodies of all records. */
const bodyKeys = async (): Promise<readonly string[]> =>
  ((await redis.command('KEYS', 'vs:*:record:*')) as string[]).filter(
    (key) => !key.endsWith(':personal'),
  );

describe('a verification that was opened a moment ago', () => {
  it('is not opened again for whoever may see it', async () => {
    const { store, read, first, opened } = await begin();
    expect(opened).toMatchObject({ id: first });
    expect(await read(first)).toBe(opened);
    await store.close();
  });

  it('is shown to nobody else', async () => {
    const { store, read, first } = await begin();
    expect(await read(first, callerOf('user-2'))).toBeNull();
    expect(await read(first, callerOf('user-1', 'tenant-2'))).toBeNull();
    await store.close();
  });

  it('is redacted at once', async () => {
    const { store, deps, read, first } = await begin();
    const caller = callerOf('user-1', 'tenant-1', ['verification:redact']);
    await redactVerification(deps, caller, first);
    expect(await read(first)).toMatchObject({ launch: null, redactedAtMs: deps.now() });
    await store.close();
  });

  it('is not taken for another one to which its ciphertext was copied', async () => {
    const { store, read, first, second } = await begin();
    const [one, other] = await bodyKeys();
    for (const part of ['', ':personal']) {
      const texts = [
        await redis.command('GET', `${one}${part}`),
        await redis.command('GET', `${other}${part}`),
      ];
      await redis.command('SET', `${one}${part}`, String(texts[1]));
      await redis.command('SET', `${other}${part}`, String(texts[0]));
    }
    expect(await read(first)).toBeInstanceOf(StoreUnavailable);
    expect(await read(second)).toBeInstanceOf(StoreUnavailable);
    await store.close();
  });
});
