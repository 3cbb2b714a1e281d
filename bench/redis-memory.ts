import { startRedis } from '../test/support/redis.ts';
import { operations } from './measure/operations.ts';
import { sendAll } from './measure/send-all.ts';
import { startOurs } from './measure/start-ours.ts';
import { startProcess } from './measure/start-process.ts';

// What a verification and a bank card check take in Redis, by kind of key: bytes as Redis counts them, and for how long.
//
//   npm run bench:memory
//   REQUESTS=5000 npm run bench:memory

const requests = Number(process.env['REQUESTS'] ?? 1000);
const redis = await startRedis();
const provider = await startProcess(['bench/peers/provider.ts'], {}, '/');
const ours = await startOurs(redis.url, provider.url);
try {
  const before = await usedBytes();
  await perform('start', 'https://eid.faceid.qq.com');
  const started = await usedBytes();
  console.table(await kindsOfKeys());
  await redis.command('FLUSHALL');
  const empty = await usedBytes();
  await perform('card paid', 'MATCHED');
  const checked = await usedBytes();
  console.table(await kindsOfKeys());
  console.table({
    'bytes per verification, all keys': Math.round((started - before) / requests),
    'bytes per card check, all keys': Math.round((checked - empty) / requests),
  });
} finally {
  await Promise.all([ours.stop(), provider.stop()]);
  await redis.stop();
}

async function perform(name: string, expected: string): Promise<void> {
  const operation = operations.find((each) => each.name === name);
  const roundOf = await operation?.prepare({
    ...{ subjects: new Map([['ours', ours]]), redis, provider },
    ...{ requests, rounds: 1 },
  });
  if (!roundOf) throw new Error(`there is no operation ${name}`);
  const { requests: all } = roundOf('ours', 0);
  await sendAll(ours.url, all, 8, (body) => {
    if (!JSON.stringify(body).includes(expected)) throw new Error(JSON.stringify(body));
  });
}

async function usedBytes(): Promise<number> {
  const info = String(await redis.command('INFO', 'memory'));
  return Number(/^used_memory_dataset:(\d+)/mu.exec(info)?.[1] ?? 0);
}

/** The average size and the longest rest of life of the keys of each kind. */
async function kindsOfKeys(): Promise<Record<string, object>> {
  const kinds = new Map<string, { count: number; bytes: number; seconds: number }>();
  for (const key of (await redis.command('KEYS', '*')) as string[]) {
    const part = key.endsWith(':personal') ? ', personal part' : '';
    const kind = `${key.split(':')[2] ?? key}${part}`;
    const known = kinds.get(kind) ?? { count: 0, bytes: 0, seconds: 0 };
    known.count += 1;
    known.bytes += Number(await redis.command('MEMORY', 'USAGE', key));
    known.seconds = Math.max(known.seconds, Number(await redis.command('TTL', key)));
    kinds.set(kind, known);
  }
  return Object.fromEntries(
    [...kinds].map(([kind, { count, bytes, seconds }]) => [
      kind,
      {
        'keys per request': Number((count / requests).toFixed(2)),
        'bytes each': Math.round(bytes / count),
        'kept, hours': Number((seconds / 3600).toFixed(1)),
      },
    ]),
  );
}
