import { hostname } from 'node:os';
import { Redis } from 'ioredis';
import pg from 'pg';
import { archiveLedger } from './archive-ledger.ts';

const { REDIS_URL = 'redis://127.0.0.1:6379', DATABASE_URL, LEDGER_MODE = 'live' } = process.env;

const over = { isOver: false };
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    over.isOver = true;
  });
}

const redis = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const pool = new pg.Pool({ connectionString: DATABASE_URL });
await archiveLedger({
  ...{ redis, pool, stream: `{vs:${LEDGER_MODE}}:audit`, name: hostname() },
  isOver: () => over.isOver,
});
redis.disconnect();
await pool.end();
