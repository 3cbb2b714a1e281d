import type {
  LedgerEntry,
  RecordLife,
  RecordParts,
  RecordStore,
  StoredRecord,
} from '../../ports/index.ts';
import type { Swept } from './swept.ts';

interface Kept {
  readonly record: StoredRecord;
  readonly forgetAtMs: number;
  readonly forgetPersonalAtMs: number;
}

export function memoryRecords({
  now,
  append,
}: {
  readonly now: () => number;
  readonly append: (entries: readonly LedgerEntry[] | undefined) => void;
}): Swept<RecordStore> {
  const records = new Map<string, Kept>();

  function recordOf(id: string): StoredRecord | null {
    const kept = records.get(id);
    if (!kept || kept.forgetAtMs <= now()) return null;
    return kept.forgetPersonalAtMs > now() ? kept.record : { ...kept.record, personal: null };
  }

  function keep(
    id: string,
    version: number,
    { body, personal }: RecordParts,
    { seconds, personalSeconds }: RecordLife,
  ): StoredRecord {
    const record = { id, version, body, personal };
    const forgetPersonalAtMs = now() + personalSeconds * 1000;
    records.set(id, { record, forgetAtMs: now() + seconds * 1000, forgetPersonalAtMs });
    return record;
  }

  return {
    sweep: () => {
      for (const [id, kept] of records) {
        if (kept.forgetAtMs <= now()) records.delete(id);
        else if (kept.forgetPersonalAtMs <= now() && kept.record.personal !== null) {
          records.set(id, { ...kept, record: { ...kept.record, personal: null } });
        }
      }
    },
    create: async (id, parts, life) => {
      return keep(id, 1, parts, life);
    },

    get: async (ids) => ids.map(recordOf),

    replace: async ({ id, version }, parts, life, entries) => {
      if (recordOf(id)?.version !== version) return null;
      append(entries);
      return keep(id, version + 1, parts, life);
    },

    remove: async (id) => {
      records.delete(id);
    },
  };
}
