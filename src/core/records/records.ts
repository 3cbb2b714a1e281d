import {
  bankCardElements,
  type BankCardElement,
  type BankCardResult,
  type CheckKind,
  type IdentityLevel,
  type Launch,
  type PendingPhase,
  type Started,
  type ToldMedia,
  type VerificationResult,
  type VerificationStatus,
} from '../../contract/index.ts';
import {
  StoreUnavailable,
  type RecordLife,
  type RecordParts,
  type StoredRecord,
} from '../../ports/index.ts';
import type { Owner } from '../callers/caller.ts';
import type { TenantRules, Tenants } from '../tenants/tenant-rules.ts';
import { defaultAccount } from '../upstream/registry.ts';
import type { CallLines } from './recorded-call.ts';
import type { RecordedIdentity, SubjectHashes } from '../identity/recorded-identity.ts';

/** How a verification ended, and the evidence for it. */
export interface RecordedOutcome extends Omit<VerificationResult, 'status' | 'identity' | 'media'> {
  /** Null if the outcome was never learnt. */
  readonly evidence: 'QUERIED' | 'NOTIFIED' | null;
}

/** A verification as it is stored, without names, ID numbers and images. */
export interface VerificationRecord extends Owner, PersonalPart {
  readonly kind: 'verification';
  readonly id: string;
  readonly providerId: string;
  /** The name of the provider's account that started it. */
  readonly account: string;
  readonly channel: string;
  readonly sandbox: boolean;
  readonly status: VerificationStatus;
  readonly checks: readonly CheckKind[];
  readonly createdAtMs: number;
  /** Null until the response to the start has come. Such a placeholder is invisible to callers. */
  readonly startedAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** When the last poll was sent, and when the provider last told something. */
  readonly lastAskedAtMs: number | null;
  readonly lastCheckedAtMs: number | null;
  readonly outcome: RecordedOutcome | null;
  readonly consentRef: string | null;
  readonly redactedAtMs: number | null;
  /** Whether its end was published to other services. */
  readonly isPublished: boolean;
  /** What it waits for while it is pending. */
  readonly phase: PendingPhase;
  /** Whether the provider has yet to make the launch. */
  readonly launchFollows: boolean;
  /** When the personal part expires at the latest. */
  readonly personalUntilMs: number;
  /** How much of the person's identity the caller asked for. */
  readonly identityLevel: IdentityLevel;
  /** The provider's id of the verification, if callers need it elsewhere. */
  readonly flowId: string | null;
  /** Whether the person has come back from the provider's page. */
  readonly hasReturned: boolean;
  /** How often a person has gone on from another device. */
  readonly handoffUses: number;
  /** The last time: a hash of what its page held, so that the same page can repeat it. */
  readonly lastHandoff: { readonly proof: string; readonly atMs: number } | null;
  readonly calls: CallLines;
}

/**
 * Data that is of no use after some days. It is stored apart with a shorter life, together with the fields of
 * an outcome that say something about the person.
 */
interface PersonalPart {
  /** Null after it was used up or the verification has ended. */
  readonly launch: Launch | null;
  /** What the plugin needs for a poll. Null once the status is terminal. */
  readonly session: Started['session'] | null;
  readonly extra: string | null;
  readonly redirectUrl: string | null;
  /** Null without a subject, and once the status is terminal. */
  readonly subjectHashes: SubjectHashes | null;
  /** Who was verified. Null until it has passed, and if nobody is named. */
  readonly identity: RecordedIdentity | null;
  /** Recordings in the bucket of the account's owner. */
  readonly media: readonly ToldMedia[];
  /** The cache keys of its result or its launch. */
  readonly cacheKeys: readonly string[];
}

/** A bank card check as it is stored, without card number, phone, name and ID number. */
export interface BankCardRecord extends Owner, Pick<PersonalPart, 'cacheKeys'> {
  readonly kind: 'bank_card';
  readonly id: string;
  readonly providerId: string;
  /** The name of the provider's account that started it. */
  readonly account: string;
  readonly sandbox: boolean;
  readonly createdAtMs: number;
  /** Null until the result has come. Such a placeholder is invisible to callers. */
  readonly checkedAtMs: number | null;
  readonly result: BankCardResult | null;
  readonly checkedElements: readonly BankCardElement[];
  readonly sourceCheckId: string | null;
  readonly consentRef: string | null;
  readonly redactedAtMs: number | null;
  readonly personalUntilMs: number;
  readonly calls: CallLines;
}

/** The record of a start that reused an open launch: it refers to the verification of that launch. */
export interface ReusedRecord extends Owner {
  readonly kind: 'reused';
  readonly id: string;
  readonly verificationId: string;
  /** Provider and account of that verification. */
  readonly providerId: string;
  readonly account: string;
}

export type AnyRecord = VerificationRecord | BankCardRecord | ReusedRecord;

const prefixes = {
  verification: 'ver_',
  bank_card: 'bcc_',
  reused: 'ver_',
} as const satisfies Record<AnyRecord['kind'], string>;

/** How long a placeholder is kept. */
export const placeholderKeepSeconds = 3600;

/** A check keeps its cache keys as long as its result may be cached, and for at least three days. */
export function personalLifeOfCheckMs({
  bankCardCacheSeconds,
}: Pick<TenantRules, 'bankCardCacheSeconds'>): number {
  return Math.max(bankCardCacheSeconds * 1000, 3 * dayMs);
}

const dayMs = 24 * 3600 * 1000;

/** How long the parts of a record are kept from now on. Not for placeholders. */
export function lifeOf(
  record: AnyRecord,
  { now, tenants }: { readonly now: () => number; readonly tenants: Tenants },
): RecordLife {
  const { retentionDays, personalDays } = tenants.rulesOf(record.tenantId);
  const retentionSeconds = (retentionDays * dayMs) / 1000;
  // A pending verification is kept until it has ended, even if the retention is shorter.
  const isOpen = record.kind === 'verification' && record.status === 'PENDING';
  const mostUntilMs =
    isOpen || personalDays === null ? Infinity : endedAtMs(record) + personalDays * dayMs;
  const personalUntilMs = record.kind === 'reused' ? 0 : record.personalUntilMs;
  const personalSeconds = (Math.min(personalUntilMs, mostUntilMs) - now()) / 1000;
  const seconds = isOpen ? Math.max(retentionSeconds, personalSeconds) : retentionSeconds;
  return { seconds, personalSeconds: Math.min(seconds, personalSeconds) };
}

function endedAtMs(record: AnyRecord): number {
  if (record.kind === 'reused') return 0;
  const known = record.kind === 'bank_card' ? record.checkedAtMs : record.lastCheckedAtMs;
  return known ?? record.createdAtMs;
}

/**
 * How long a placeholder is kept. The placeholder of a check is kept for as long as a result may be cached:
 * if the result is cached but never stored, redaction needs the cache keys of the placeholder.
 */
export function lifeOfPlaceholder(
  record: AnyRecord,
  { now }: { readonly now: () => number },
): RecordLife {
  const cachedMs = record.kind === 'bank_card' ? record.personalUntilMs - now() : 0;
  const seconds = Math.max(placeholderKeepSeconds, cachedMs / 1000);
  return { seconds, personalSeconds: seconds };
}

/** 128 random bits, so that an id cannot be guessed. */
export function newRecordId(
  kind: AnyRecord['kind'],
  randomBytes: (size: number) => Buffer,
): string {
  return `${prefixes[kind]}${randomBytes(16).toString('base64url')}`;
}

/** Whether a text has the form of an id. Other texts need no look-up. */
export function isRecordId(kind: AnyRecord['kind'], id: string): boolean {
  return id.startsWith(prefixes[kind]) && /^[\w-]{22}$/u.test(id.slice(prefixes[kind].length));
}

/** The personal fields of an outcome after they were destroyed. */
export const untoldOutcome = {
  code: null,
  reason: 'OTHER',
  message: null,
  similarity: null,
  details: null,
} as const satisfies Partial<RecordedOutcome>;

/** The same for the result of a bank card check. */
export const untoldResult = {
  code: null,
  reason: 'OTHER',
  message: null,
  possibleAgainAtMs: null,
} as const satisfies Partial<BankCardResult>;

export function encodeRecord(record: AnyRecord): RecordParts {
  // Several steps of a request encode the same record. Records do not change.
  const known = encoded.get(record) ?? encode(record);
  encoded.set(record, known);
  return known;
}

const encoded = new WeakMap<AnyRecord, RecordParts>();

function encode(record: AnyRecord): RecordParts {
  const parts = partsOfRecord(record);
  // No write may bring personal data back into a redacted record.
  const isRedacted = record.kind !== 'reused' && record.redactedAtMs !== null;
  return isRedacted ? { ...parts, personal: null } : parts;
}

function partsOfRecord(record: AnyRecord): RecordParts {
  switch (record.kind) {
    case 'verification': {
      const { launch, session, extra, redirectUrl, cacheKeys, outcome, ...others } = record;
      const { subjectHashes, identity, media, ...rest } = others;
      const [told, kept] = split(outcome, untoldOutcome);
      const own = { launch, session, extra, redirectUrl, cacheKeys, told };
      const personal = { ...own, ...withoutNothing({ subjectHashes, identity, media }) };
      return partsOf({ ...rest, outcome: kept }, personal);
    }
    case 'bank_card': {
      const { cacheKeys, result, ...rest } = record;
      const [told, kept] = split(result, untoldResult);
      return partsOf({ ...rest, result: kept }, { cacheKeys, told });
    }
    case 'reused':
      return partsOf(record, {});
  }
}

/** The fields that say something about a person, null if there are none, and the other fields. */
function split<Whole extends object>(
  whole: Whole | null,
  untold: Partial<Whole>,
): [object | null, object | null] {
  if (whole === null) return [null, null];
  const entries = Object.entries(whole);
  const told = entries.filter(([name]) => Object.hasOwn(untold, name));
  const isTold = told.some(([name, value]) => value !== untold[name as keyof Whole]);
  const kept = entries.filter(([name]) => !Object.hasOwn(untold, name));
  return [isTold ? Object.fromEntries(told) : null, Object.fromEntries(kept)];
}

/** Without the fields that hold nothing: `defaults` restores them. */
function withoutNothing(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isNothing(value)));
}

function isNothing(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

/** An empty personal part is stored as null, which saves its encryption. */
function partsOf(body: object, personal: object): RecordParts {
  const isEmpty = Object.values(personal).every(isNothing);
  return { body: JSON.stringify(body), personal: isEmpty ? null : JSON.stringify(personal) };
}

/** The values of what a record does not have: its personal part, or what an earlier build did not write. */
const defaults = {
  verification: {
    ...{ launch: null, session: null, extra: null, redirectUrl: null, cacheKeys: [] },
    ...{ phase: 'WAITING_FOR_PERSON', launchFollows: false },
    ...{ identityLevel: 'MASKED', subjectHashes: null, identity: null, media: [] },
    ...{ flowId: null, calls: '', hasReturned: false },
    ...{ handoffUses: 0, lastHandoff: null, account: defaultAccount },
  },
  bank_card: {
    account: defaultAccount,
    cacheKeys: [],
    checkedElements: bankCardElements,
    calls: '',
  },
  reused: { account: defaultAccount },
} as const satisfies Record<
  AnyRecord['kind'],
  Partial<VerificationRecord> | Partial<BankCardRecord> | Partial<ReusedRecord>
>;

/** Throws `StoreUnavailable` for an unreadable record, because "not found" would be wrong. */
export function decodeRecord<Kind extends AnyRecord['kind']>(
  kind: Kind,
  stored: Pick<StoredRecord, 'id' | 'body' | 'personal'>,
): Extract<AnyRecord, { kind: Kind }> {
  // Several steps of a request decode what was read once.
  const known = decoded.get(stored) ?? decode(kind, stored);
  decoded.set(stored, known);
  if (known.kind !== kind) throw new StoreUnavailable();
  return known as Extract<AnyRecord, { kind: Kind }>;
}

/** Spares opening a stored record whose content is known. */
export function knowDecoded(stored: StoredRecord, record: AnyRecord): void {
  decoded.set(stored, record);
}

const decoded = new WeakMap<Pick<StoredRecord, 'body'>, AnyRecord>();

function decode(
  kind: AnyRecord['kind'],
  { id, body, personal }: Pick<StoredRecord, 'id' | 'body' | 'personal'>,
): AnyRecord {
  const record = parse(body);
  if (record?.kind !== kind || record.id !== id) throw new StoreUnavailable();
  const part = personal === null ? {} : parse(personal);
  const { told, ...own } = part as Partial<PersonalPart> & { readonly told?: object | null };
  const whole = { ...defaults[kind], ...record, ...own, ...withTold(record, told ?? null) };
  return whole;
}

function withTold(record: AnyRecord, told: object | null): object {
  if (record.kind === 'verification' && record.outcome) {
    return { outcome: { ...untoldOutcome, ...told, ...record.outcome } };
  }
  if (record.kind === 'bank_card' && record.result) {
    return { result: { ...untoldResult, ...told, ...record.result } };
  }
  return {};
}

/** The kind of a stored record. Throws `StoreUnavailable` if it cannot be read. */
export function kindOf({ body }: Pick<StoredRecord, 'body'>): AnyRecord['kind'] {
  // `encodeRecord` writes the kind first, so the rest need not be parsed to see it.
  const [, written] = /^\{"kind":"([a-z_]+)"/u.exec(body) ?? [];
  const kind = kinds.find((each) => each === written) ?? parse(body)?.kind;
  if (kind === undefined) throw new StoreUnavailable();
  return kind;
}

const kinds: readonly AnyRecord['kind'][] = ['verification', 'bank_card', 'reused'];

/** False for a placeholder. */
export function wasAnswered(record: VerificationRecord | BankCardRecord): boolean {
  return (record.kind === 'verification' ? record.startedAtMs : record.checkedAtMs) !== null;
}

function parse(text: string): AnyRecord | null {
  try {
    return JSON.parse(text) as AnyRecord;
  } catch (cause) {
    throw new StoreUnavailable({ cause });
  }
}
