import type { TerminalStatus } from '../../contract/index.ts';
import { StoreUnavailable, type LedgerEntry, type StoredRecord } from '../../ports/index.ts';
import type { Clock, KeySpace, Outbox, Storage, Telemetry, Tenancy } from '../core-deps.ts';
import { endEntry, type LedgerDeps } from '../ledger/ledger-entries.ts';
import { decodeRecord, encodeRecord, lifeOf, type VerificationRecord } from '../records/records.ts';
import { userPasses } from '../records/user-records.ts';

type EndDeps = Clock & Storage & Tenancy & Outbox & Pick<Telemetry, 'metrics'>;

export type WriteDeps = EndDeps & LedgerDeps;

interface Telling {
  /** Who cancelled it. */
  readonly callerId?: string | undefined;
  /** Further entries of the ledger for this step. */
  readonly entries?: readonly LedgerEntry[] | undefined;
}

/**
 * Replaces the verification that was read. Null if another request has written it in between. Publishes a
 * terminal status at least once, and tells the ledger of it in the same step. Throws `StoreUnavailable`.
 */
export async function writeVerification(
  deps: WriteDeps,
  stored: StoredRecord,
  record: VerificationRecord,
  { callerId, entries = [] }: Telling = {},
): Promise<VerificationRecord | null> {
  if (record.status === 'PASSED') await listPass(deps, record);
  const isEnd =
    record.status !== 'PENDING' && decodeRecord('verification', stored).status === 'PENDING';
  const told = isEnd ? [...entries, endEntry(deps, record, callerId)] : entries;
  const written = await put(deps, stored, record, told);
  if (!written) return null;
  await publishEnd(deps, written);
  return record;
}

/** If another request has written in between, its record stays, because its status may be terminal. */
export async function writeOrReadNewer(
  deps: WriteDeps,
  stored: StoredRecord,
  record: VerificationRecord,
): Promise<VerificationRecord> {
  const written = await writeVerification(deps, stored, record);
  if (written) return written;
  const [newer] = await deps.store.records.get([record.id]);
  return newer ? decodeRecord('verification', newer) : record;
}

/** Makes a pass found by `latestPassedVerification`. Call before the record is written. */
export async function listPass(
  deps: Storage & KeySpace & Tenancy,
  record: VerificationRecord,
): Promise<void> {
  await userPasses(deps, record).add({ id: record.id, atMs: passedAtMs(record) });
}

/** Not later than it was learnt, whatever the provider's clock says. */
export function passedAtMs({ outcome, lastCheckedAtMs, createdAtMs }: VerificationRecord): number {
  const learntMs = lastCheckedAtMs ?? createdAtMs;
  return Math.min(outcome?.completedAtMs ?? learntMs, learntMs);
}

/** Publishes the end of a verification, unless it is published. If false, a follow-up tries again. */
export async function publishEnd(deps: EndDeps, stored: StoredRecord): Promise<boolean> {
  const record = decodeRecord('verification', stored);
  if (record.status === 'PENDING' || record.isPublished) return true;
  try {
    const { id: recordId, tenantId, status } = record;
    const atMs = record.lastCheckedAtMs ?? deps.now();
    await deps.publish({ kind: 'verification.ended', recordId, tenantId, status, atMs });
    deps.metrics.published(deps.now() - atMs);
    const isNoted = (await put(deps, stored, { ...record, isPublished: true })) !== null;
    if (isNoted) countEnd(deps, record, status);
    return isNoted;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    deps.metrics.published(null);
    return false;
  }
}

function countEnd(
  { metrics }: Pick<Telemetry, 'metrics'>,
  { providerId: provider, channel, outcome }: VerificationRecord,
  status: TerminalStatus,
): void {
  const { reason = 'OTHER', billing = 'UNKNOWN' } = outcome ?? {};
  metrics.verificationEnded({ provider, channel, status, reason, billing });
}

function put(
  deps: Clock & Storage & Tenancy,
  stored: StoredRecord,
  record: VerificationRecord,
  entries?: readonly LedgerEntry[],
): Promise<StoredRecord | null> {
  return deps.store.records.replace(stored, encodeRecord(record), lifeOf(record, deps), entries);
}
