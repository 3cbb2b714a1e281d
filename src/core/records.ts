import {
  StoreUnavailable,
  type BankCardResult,
  type CheckKind,
  type Launch,
  type Started,
  type StoredRecord,
  type VerificationResult,
  type VerificationStatus,
} from '../contract/index.ts';
import type { Owner } from './caller.ts';

/** How a verification ended, and how we know. */
export interface RecordedOutcome extends Omit<VerificationResult, 'status'> {
  /** Null where nobody said anything. */
  readonly evidence: 'QUERIED' | 'NOTIFIED' | null;
}

/** A verification as it is kept. Names, ID numbers and images are not in it. */
export interface VerificationRecord extends Owner {
  readonly kind: 'verification';
  readonly id: string;
  readonly providerId: string;
  readonly channel: string;
  readonly sandbox: boolean;
  readonly status: VerificationStatus;
  readonly checks: readonly CheckKind[];
  readonly createdAtMs: number;
  /** Null until the start was answered: such a skeleton is invisible. */
  readonly startedAtMs: number | null;
  readonly expiresAtMs: number | null;
  readonly lastCheckedAtMs: number | null;
  /** Null once it is of no more use. */
  readonly launch: Launch | null;
  /** What the plugin needs to ask. Null once the status is terminal. */
  readonly session: Started['session'] | null;
  readonly outcome: RecordedOutcome | null;
  readonly extra: string | null;
  readonly redirectUrl: string | null;
  readonly consentRef: string | null;
}

/** A bank card check as it is kept. Card number, phone, name and ID number are not in it. */
export interface BankCardRecord extends Owner {
  readonly kind: 'bank_card';
  readonly id: string;
  readonly providerId: string;
  readonly sandbox: boolean;
  readonly createdAtMs: number;
  /** Null until it was answered: such a skeleton is invisible. */
  readonly checkedAtMs: number | null;
  readonly result: BankCardResult | null;
  readonly sourceCheckId: string | null;
  readonly consentRef: string | null;
}

/** What a claim points to that was answered by a verification which was there already. */
export interface ReusedRecord extends Owner {
  readonly kind: 'reused';
  readonly id: string;
  readonly verificationId: string;
  /** So that nobody takes it for a provider's: it has none. */
  readonly providerId: string;
}

export type AnyRecord = VerificationRecord | BankCardRecord | ReusedRecord;

const prefixes = {
  verification: 'ver_',
  bank_card: 'bcc_',
  reused: 'ver_',
} as const satisfies Record<AnyRecord['kind'], string>;

/** How long a record stays that never got its answer. */
export const skeletonKeepSeconds = 3600;

/** How long a record stays that has its answer. */
export function keepRecordSeconds(retentionDays: number): number {
  return retentionDays * 24 * 3600;
}

/** 128 random bits, so that nobody guesses one. */
export function newRecordId(
  kind: AnyRecord['kind'],
  randomBytes: (size: number) => Buffer,
): string {
  return `${prefixes[kind]}${randomBytes(16).toString('base64url')}`;
}

/** Whether a text can be an id at all: anything else need not be looked up. */
export function isRecordId(kind: AnyRecord['kind'], id: string): boolean {
  return id.startsWith(prefixes[kind]) && /^[\w-]{22}$/u.test(id.slice(prefixes[kind].length));
}

export function encodeRecord(record: AnyRecord): string {
  return JSON.stringify(record);
}

/** What cannot be read is an error, never a miss. */
export function decodeRecord<Kind extends AnyRecord['kind']>(
  kind: Kind,
  stored: StoredRecord,
): Extract<AnyRecord, { kind: Kind }> {
  const record = parse(stored.body);
  if (record?.kind !== kind || record.id !== stored.id) throw new StoreUnavailable();
  return record as Extract<AnyRecord, { kind: Kind }>;
}

/** What a stored record is; throws for one that cannot be read. */
export function kindOf(stored: StoredRecord): AnyRecord['kind'] {
  const kind = parse(stored.body)?.kind;
  if (kind === undefined) throw new StoreUnavailable();
  return kind;
}

function parse(body: string): AnyRecord | null {
  try {
    return JSON.parse(body) as AnyRecord;
  } catch (cause) {
    throw new StoreUnavailable({ cause });
  }
}
