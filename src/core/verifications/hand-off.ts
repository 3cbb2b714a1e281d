import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import type { Clock, KeySpace, Storage, Telemetry, Urls } from '../core-deps.ts';
import { openHandoff, sealHandoff } from '../records/handoff-capability.ts';
import {
  decodeRecord,
  encodeRecord,
  kindOf,
  lifeOf,
  type VerificationRecord,
} from '../records/records.ts';

type HandoffDeps = Clock & KeySpace & Storage & Pick<Telemetry, 'scopes'>;

/** What a person finds behind the URL of a handoff. */
export type Handoff =
  | { readonly kind: 'open'; readonly record: VerificationRecord; readonly launchUrl: string }
  /** `used`: somebody has gone on already. `closed`: it has ended. `unknown`: there is none. */
  | { readonly kind: 'used' | 'expired' | 'closed' | 'unknown' | 'try_later' };

/** What a capability has room for. */
const mostUses = 65_535;
/** How often another request may write the record in between. */
const mostTries = 5;

/** The URL for another device; null if its browser could not begin there. Only for whom the launch is for. */
export function handoffUrl(
  { hashKeys, publicUrl }: KeySpace & Pick<Urls, 'publicUrl'>,
  record: VerificationRecord,
): string | null {
  if (launchUrlOf(record) === null || record.handoffUses > mostUses) return null;
  const capability = sealHandoff(hashKeys, { recordId: record.id, uses: record.handoffUses });
  return `${publicUrl}/go/${capability}`;
}

/** What a person is shown. Changes nothing: programs that preview links open them too. */
export async function readHandoff(deps: HandoffDeps, capability: string): Promise<Handoff> {
  return orTryLater(async () => (await find(deps, capability)).handoff);
}

/** The person goes on. Of several at once one gets the launch, and the others find it used. */
export async function useHandoff(deps: HandoffDeps, capability: string): Promise<Handoff> {
  return orTryLater(async () => {
    for (let tries = 0; tries < mostTries; tries++) {
      const { handoff, stored } = await find(deps, capability);
      if (handoff.kind !== 'open' || !stored) return handoff;
      const { record } = handoff;
      const used = { ...record, handoffUses: record.handoffUses + 1 };
      const { records } = deps.store;
      if (await records.replace(stored, encodeRecord(used), lifeOf(used, deps))) return handoff;
    }
    return { kind: 'try_later' };
  });
}

interface Found {
  readonly handoff: Handoff;
  readonly stored?: StoredRecord;
}

async function find(deps: HandoffDeps, capability: string): Promise<Found> {
  const unknown = { handoff: { kind: 'unknown' } } as const;
  const opened = openHandoff(deps.hashKeys, capability);
  if (!opened) return unknown;
  deps.scopes.concerns(opened.recordId);
  const [stored] = await deps.store.records.get([opened.recordId]);
  if (!stored || kindOf(stored) !== 'verification') return unknown;
  const record = decodeRecord('verification', stored);
  if (record.startedAtMs === null) return unknown;
  return { handoff: toHandoff(record, opened.uses, deps.now()), stored };
}

function toHandoff(record: VerificationRecord, uses: number, nowMs: number): Handoff {
  if (record.status !== 'PENDING' || record.redactedAtMs !== null) return { kind: 'closed' };
  if (record.expiresAtMs === null || nowMs >= record.expiresAtMs) return { kind: 'expired' };
  const launchUrl = launchUrlOf(record);
  if (launchUrl === null || uses !== record.handoffUses) return { kind: 'used' };
  return { kind: 'open', record, launchUrl };
}

function launchUrlOf({ launch }: VerificationRecord): string | null {
  return launch === null || launch.kind === 'sdk_token' ? null : (launch.url ?? null);
}

async function orTryLater(work: () => Promise<Handoff>): Promise<Handoff> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreUnavailable) return { kind: 'try_later' };
    throw error;
  }
}
