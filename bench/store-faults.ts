import { StoreUnavailable } from '../src/ports/index.ts';
import { startRedis, redisStoreOf, type RedisServer } from '../test/support/redis.ts';
import { kept } from '../test/support/kept.ts';

// How soon a caller gets STORE_UNAVAILABLE, for each way in which Redis can fail. An
// operation has nine seconds; a claim alone takes up to four commands.
//
//   npm run bench:store-faults

const faults: Readonly<Record<string, (server: RedisServer) => unknown>> = {
  'is killed': (server) => server.stop(),
  'is stopped': (server) => server.child.kill('SIGSTOP'),
  'pauses its clients': (server) => server.command('CLIENT', 'PAUSE', '3000', 'ALL'),
  'is out of memory': async (server) => {
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
  },
};

const rows: Record<string, object> = {};
for (const [name, harm] of Object.entries(faults)) {
  const server = await startRedis();
  const { store } = await redisStoreOf(server.url);
  const asUsual = await timeOf(() => store.records.create('a', ...kept('one')));
  await harm(server);
  const first = await timeOf(() => store.records.create('b', ...kept('two')));
  const second = await timeOf(() => store.records.create('c', ...kept('three')));
  rows[`Redis ${name}`] = { 'as usual, ms': asUsual, 'first, ms': first, 'second, ms': second };
  await store.close();
  server.child.kill('SIGCONT');
  await server.stop();
}
console.table(rows);

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  return Number((performance.now() - startedMs).toFixed(1));
}
