import type { StoredRecord } from '../../ports/index.ts';
import type { VerificationRecord } from './records.ts';

/**
 * Verifications that were opened a moment ago, by what is stored. A supergraph asks for the same verifications several
 * times for one request of its client, and opening them is most of what 50 of them cost.
 */
export interface OpenedRecords {
  readonly find: (stored: StoredRecord) => VerificationRecord | undefined;
  readonly remember: (stored: StoredRecord, record: VerificationRecord) => void;
}

/** Personal data stays in this process for no longer than this, which is less than an operation lasts. */
const keepMs = 5000;
const most = 1000;

/** `later` runs a function after some ms, and must not keep the process alive. */
export function createOpenedRecords(later: (work: () => void, ms: number) => void): OpenedRecords {
  const byMark = new Map<string, VerificationRecord>();
  return {
    find: ({ mark }) => (mark === undefined ? undefined : byMark.get(mark)),
    remember: ({ mark }, record) => {
      // Values in clear are opened for each reading, which the ledger tells of.
      if (mark === undefined || record.identityLevel === 'FULL' || byMark.size >= most) return;
      // All of them are forgotten together, the youngest sooner than it would have to be.
      if (byMark.size === 0) later(() => byMark.clear(), keepMs);
      byMark.set(mark, record);
    },
  };
}
