import { StoreUnavailable, type StoredRecord } from '../../ports/index.ts';
import type { Clock, KeySpace, Storage, Telemetry, Tenancy, Urls } from '../core-deps.ts';
import { openHandoff, sealHandoff } from '../records/handoff-capability.ts';
import { keyedHash } from '../records/keyed-hash.ts';
import {
  decodeRecord,
  encodeRecord,
  kindOf,
  lifeOf,
  type VerificationRecord,
} from '../records/records.ts';

type HandoffDeps = Clock & KeySpace & Storage & Tenancy & Pick<Telemetry, 'scopes'>;

/** What a person finds behind the URL of a handoff. */
export type Handoff =
  | { readonly kind: 'open'; readonly record: VerificationRecord; readonly launchUrl: string }
  /**
   * `used`: somebody has gone on with this code. `begun`: the launch is used up. `closed`: the verification has ended.
   * `unknown`: there is none.
   */
  | { readonly kind: 'used' | 'begun' | 'expired' | 'closed' | 'unknown' | 'try_later' };

/** How often another request may write the record in between. */
const mostTries = 5;
/** What a capability has room for. */
const mostUses = 65_535;
/** A person presses twice on a slow network, or the first answer is lost. */
const repeatWithinMs = 60_000;

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
  return orTryLater(async () => (await find(deps, capability, null)).handoff);
}

/**
 * The person goes on. Of several at once one gets the launch, and the others find it used. `pageKey` is a random text of the
 * page that was shown: the same page may repeat it within a minute.
 */
export async function useHandoff(
  deps: HandoffDeps,
  capability: string,
  pageKey: string,
): Promise<Handoff> {
  const proof = keyedHash(deps.hashKeys[0].key, 'handoff page', [capability, pageKey]);
  return orTryLater(async () => {
    for (let tries = 0; tries < mostTries; tries++) {
      const { handoff, stored, isRepeated } = await find(deps, capability, proof);
      if (handoff.kind !== 'open' || !stored || isRepeated) return handoff;
      const { record } = handoff;
      const lastHandoff = { proof, atMs: deps.now() };
      const used = { ...record, handoffUses: record.handoffUses + 1, lastHandoff };
      const { records } = deps.store;
      if (await records.replace(stored, encodeRecord(used), lifeOf(used, deps))) return handoff;
    }
    return { kind: 'try_later' };
  });
}

interface Found {
  readonly handoff: Handoff;
  readonly stored?: StoredRecord;
  readonly isRepeated?: boolean;
}

async function find(deps: HandoffDeps, capability: string, proof: string | null): Promise<Found> {
  const unknown = { handoff: { kind: 'unknown' } } as const;
  const opened = openHandoff(deps.hashKeys, capability);
  if (!opened) return unknown;
  deps.scopes.concerns(opened.recordId);
  const [stored] = await deps.store.records.get([opened.recordId]);
  if (!stored || kindOf(stored) !== 'verification') return unknown;
  const record = decodeRecord('verification', stored);
  if (record.startedAtMs === null) return unknown;
  const isRepeated = proof !== null && wasLast(record, opened.uses, proof, deps.now());
  const uses = isRepeated ? record.handoffUses : opened.uses;
  return { handoff: toHandoff(record, uses, deps.now()), stored, isRepeated };
}

function wasLast(
  { handoffUses, lastHandoff }: VerificationRecord,
  uses: number,
  proof: string,
  nowMs: number,
): boolean {
  if (lastHandoff === null || uses !== handoffUses - 1 || lastHandoff.proof !== proof) return false;
  return nowMs - lastHandoff.atMs < repeatWithinMs;
}

function toHandoff(record: VerificationRecord, uses: number, nowMs: number): Handoff {
  if (record.status !== 'PENDING' || record.redactedAtMs !== null) return { kind: 'closed' };
  if (record.expiresAtMs === null || nowMs >= record.expiresAtMs) return { kind: 'expired' };
  const launchUrl = launchUrlOf(record);
  if (launchUrl === null) return { kind: 'begun' };
  return uses === record.handoffUses ? { kind: 'open', record, launchUrl } : { kind: 'used' };
}

function launchUrlOf({ launch }: VerificationRecord): string | null {
  return launch === null || launch.kind === 'sdk_token' ? null : (launch.url ?? null);
}

/** What the browser that went on shows at the return: it is not the one that the caller's page knows. */
export function browserProof({ hashKeys }: KeySpace, recordId: string): string {
  return keyedHash(hashKeys[0].key, 'handoff browser', [recordId]);
}

async function orTryLater(work: () => Promise<Handoff>): Promise<Handoff> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreUnavailable) return { kind: 'try_later' };
    throw error;
  }
}
