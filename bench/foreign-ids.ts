import { randomBytes } from 'node:crypto';
import { startMutation, verificationQuery } from '../test/support/operations.ts';
import { startRedis } from '../test/support/redis.ts';
import { startTestApp } from '../test/support/test-app.ts';

// Whether reading a foreign id takes as long as reading an absent id: otherwise a stranger could tell by the
// time which ids exist. Alternates between both, over Redis, in one run.
//
//   npm run bench:foreign-ids

const rounds = 3000;
const redis = await startRedis();
const key = `k1:${randomBytes(32).toString('base64')}`;
const app = await startTestApp({
  env: { REDIS_URL: redis.url, STORE_HASH_KEYS: key, STORE_ENCRYPTION_KEYS: key },
});
const input = { idempotencyKey: 'mine', channel: 'E_ID', extra: 'a reference of some length' };
const { data } = await app.send(startMutation, { input }, { 'x-user-id': 'owner' });
const foreign: string = data.startVerification.verification.id;

const times: Record<'foreign' | 'absent' | 'absent again', number[]> = {
  foreign: [],
  absent: [],
  'absent again': [],
};
for (let round = 0; round < rounds; round++) {
  const absent = () => `ver_${randomBytes(16).toString('base64url')}`;
  for (const [name, id] of [
    ['foreign', foreign],
    ['absent', absent()],
    ['absent again', absent()],
  ] as const) {
    const startedMs = performance.now();
    await app.send(verificationQuery, { id }, { 'x-user-id': 'stranger' });
    if (round > rounds / 10) times[name].push(performance.now() - startedMs);
  }
}
const median = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
const base = median(times.absent);
console.table(
  Object.fromEntries(
    Object.entries(times).map(([name, all]) => [
      name,
      {
        'median, ms': Number(median(all).toFixed(3)),
        'ratio to absent': Number((median(all) / base).toFixed(3)),
      },
    ]),
  ),
);
await app.stop();
await redis.stop();
