import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';

// Moves the ledger from Redis to PostgreSQL, before Redis forgets it. An entry is acknowledged after it is stored, and one
// that comes twice is stored once. Several archivers share the work.

const group = 'archive';
const atOnce = 500;
/** When entries that an archiver read and did not store are taken over by another. */
const standardTakeOverAfterMs = 60_000;

type Entry = readonly [id: string, fields: readonly string[] | null];

export interface ArchiveOptions {
  readonly redis: Redis;
  readonly pool: Pool;
  /** `{vs:live}:audit`. */
  readonly stream: string;
  /** Of this archiver. Two at the same time need two names. */
  readonly name: string;
  readonly isOver?: () => boolean;
  readonly takeOverAfterMs?: number;
}

/** Runs until `isOver`. Throws if Redis or PostgreSQL fails: start it again, nothing is lost. */
export async function archiveLedger(options: ArchiveOptions): Promise<void> {
  const { redis, pool, stream, name, isOver = () => false } = options;
  const { takeOverAfterMs = standardTakeOverAfterMs } = options;
  await pool.query(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
  // From the very beginning of what is kept. MKSTREAM, because there may be none yet.
  await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
  while (!isOver()) {
    const [, left] = (await redis.xautoclaim(
      stream,
      group,
      name,
      takeOverAfterMs,
      '0',
      'COUNT',
      atOnce,
    )) as [string, Entry[]];
    await store(options, left);
    const answer = (await redis.xreadgroup(
      'GROUP',
      group,
      name,
      'COUNT',
      atOnce,
      'BLOCK',
      1000,
      'STREAMS',
      stream,
      '>',
    )) as [string, Entry[]][] | null;
    for (const [, entries] of answer ?? []) await store(options, entries);
  }
}

async function store(
  { redis, pool, stream }: ArchiveOptions,
  entries: readonly Entry[],
): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.flatMap(([id, fields]) => (fields === null ? [] : [toRow(id, fields)]));
  // One statement, so that all of them are stored or none.
  await pool.query(
    `INSERT INTO ledger SELECT * FROM json_populate_recordset(NULL::ledger, $1) ON CONFLICT DO NOTHING`,
    [JSON.stringify(rows)],
  );
  await redis.xack(stream, group, ...entries.map(([id]) => id));
}

function toRow(id: string, fields: readonly string[]): object {
  const pairs = fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1] ?? '']]));
  const entry: Readonly<Record<string, string>> = Object.fromEntries(pairs);
  const [ms, place] = id.split('-').map(Number);
  return {
    ...{ ms, place, at: entry['at'], kind: entry['kind'] ?? '' },
    ...{ tenant_id: entry['tenantId'], record_id: entry['recordId'] },
    line: JSON.stringify({ entry: id, ...entry }),
  };
}
