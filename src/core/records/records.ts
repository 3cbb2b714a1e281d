import type {
  BankCardResult,
  CheckKind,
  Launch,
  Started,
  VerificationResult,
  VerificationStatus,
} from '../../contract/index.ts';
import {
  StoreUnavailable,
  type RecordLife,
  type RecordParts,
  type StoredRecord,
} from '../../ports/index.ts';
import type { Owner } from '../callers/caller.ts';

/** How a verification ended, and how we know. */
export interface RecordedOutcome extends Omit<VerificationResult, 'status'> {
  /** Null where nobody said anything. */
  readonly evidence: 'QUERIED' | 'NOTIFIED' | null;
}

/** A verification as it is kept. Names, ID numbers and images are not in it. */
export interface VerificationRecord extends Owner, PersonalPart {
  readonly kind: 'verification';
  readonly id: string;
  readonly providerId: string;
  readonly channel: string;
  readonly sandbox: boolean;
  readonly status: VerificationStatus;
  readonly checks: readonly CheckKind[];
  readonly createdAtMs: number;
  /** Null until the start was answered: such a placeholder is invisible. */
  readonly startedAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** When the provider was asked, and when it last answered. */
  readonly lastAskedAtMs: number | null;
  readonly lastCheckedAtMs: number | null;
  readonly outcome: RecordedOutcome | null;
  readonly consentRef: string | null;
  readonly redactedAtMs: number | null;
  /** Whether other services were told how it ended. */
  readonly isPublished: boolean;
  /** When the personal part goes, if nothing ends it sooner. */
  readonly personalUntilMs: number;
}

/**
 * What is of no more use after some days, and kept apart with a shorter life; what an outcome tells
 * about its person goes with it.
 */
interface PersonalPart {
  /** Null once it is of no more use. */
  readonly launch: Launch | null;
  /** What the plugin needs to ask. Null once the status is terminal. */
  readonly session: Started['session'] | null;
  readonly extra: string | null;
  readonly redirectUrl: string | null;
  /** Where its answer, or its launch, is kept to be given again. */
  readonly cacheKeys: readonly string[];
}

/** A bank card check as it is kept. Card number, phone, name and ID number are not in it. */
export interface BankCardRecord extends Owner, Pick<PersonalPart, 'cacheKeys'> {
  readonly kind: 'bank_card';
  readonly id: string;
  readonly providerId: string;
  readonly sandbox: boolean;
  readonly createdAtMs: number;
  /** Null until it was answered: such a placeholder is invisible. */
  readonly checkedAtMs: number | null;
  readonly result: BankCardResult | null;
  readonly sourceCheckId: string | null;
  readonly consentRef: string | null;
  readonly redactedAtMs: number | null;
  readonly personalUntilMs: number;
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
export const placeholderKeepSeconds = 3600;

/** As long as an answer may be given again, the check knows where; and as long as a verification does. */
export function personalLifeOfCheckMs({
  bankCardCacheSeconds,
}: {
  readonly bankCardCacheSeconds: number;
}): number {
  return Math.max(bankCardCacheSeconds * 1000, 3 * 24 * 3600 * 1000);
}

/** How long the parts of a record that has its answer stay from now on. */
export function lifeOf(
  record: AnyRecord,
  { now, retentionDays }: { readonly now: () => number; readonly retentionDays: number },
): RecordLife {
  const retentionSeconds = retentionDays * 24 * 3600;
  const personalUntilMs = record.kind === 'reused' ? 0 : record.personalUntilMs;
  const personalSeconds = (personalUntilMs - now()) / 1000;
  // What may still end is kept until it does.
  const isOpen = record.kind === 'verification' && record.status === 'PENDING';
  const seconds = isOpen ? Math.max(retentionSeconds, personalSeconds) : retentionSeconds;
  return { seconds, personalSeconds: Math.min(seconds, personalSeconds) };
}

/**
 * How long a record is kept that has no answer yet. One whose answer may be remembered elsewhere knows
 * where for as long as it is: should its own answer never be kept, it still can be redacted.
 */
export function lifeOfPlaceholder(
  record: AnyRecord,
  { now }: { readonly now: () => number },
): RecordLife {
  const cachedMs = record.kind === 'bank_card' ? record.personalUntilMs - now() : 0;
  const seconds = Math.max(placeholderKeepSeconds, cachedMs / 1000);
  return { seconds, personalSeconds: seconds };
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

/** What an outcome says when what it told about its person is gone. */
export const untoldOutcome = {
  code: null,
  reason: 'OTHER',
  message: null,
  similarity: null,
  details: null,
} as const satisfies Partial<RecordedOutcome>;

/** As above. */
export const untoldResult = {
  code: null,
  reason: 'OTHER',
  message: null,
} as const satisfies Partial<BankCardResult>;

export function encodeRecord(record: AnyRecord): RecordParts {
  const parts = partsOfRecord(record);
  // Whoever writes it, and whatever: nothing personal comes back to what was redacted.
  const isRedacted = record.kind !== 'reused' && record.redactedAtMs !== null;
  return isRedacted ? { ...parts, personal: null } : parts;
}

function partsOfRecord(record: AnyRecord): RecordParts {
  switch (record.kind) {
    case 'verification': {
      const { launch, session, extra, redirectUrl, cacheKeys, outcome, ...rest } = record;
      const [told, kept] = split(outcome, untoldOutcome);
      const personal = { launch, session, extra, redirectUrl, cacheKeys, told };
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

/** What is told about a person, null where it is nothing, and the rest. */
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

/** What is nowhere to be found need not be encrypted either. */
function partsOf(body: object, personal: object): RecordParts {
  const isEmpty = Object.values(personal).every(
    (value) => value === null || (Array.isArray(value) && value.length === 0),
  );
  return { body: JSON.stringify(body), personal: isEmpty ? null : JSON.stringify(personal) };
}

const withoutPersonal = {
  verification: { launch: null, session: null, extra: null, redirectUrl: null, cacheKeys: [] },
  bank_card: { cacheKeys: [] },
  reused: {},
} as const satisfies Record<AnyRecord['kind'], Partial<PersonalPart>>;

/** What cannot be read is an error, never a miss. */
export function decodeRecord<Kind extends AnyRecord['kind']>(
  kind: Kind,
  { id, body, personal }: Pick<StoredRecord, 'id' | 'body' | 'personal'>,
): Extract<AnyRecord, { kind: Kind }> {
  const record = parse(body);
  if (record?.kind !== kind || record.id !== id) throw new StoreUnavailable();
  const part = personal === null ? {} : parse(personal);
  const { told, ...own } = part as Partial<PersonalPart> & { readonly told?: object | null };
  const whole = { ...withoutPersonal[kind], ...record, ...own, ...withTold(record, told ?? null) };
  return whole as unknown as Extract<AnyRecord, { kind: Kind }>;
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

/** What a stored record is; throws for one that cannot be read. */
export function kindOf(stored: Pick<StoredRecord, 'body'>): AnyRecord['kind'] {
  const kind = parse(stored.body)?.kind;
  if (kind === undefined) throw new StoreUnavailable();
  return kind;
}

/** False for a placeholder, whose answer is still to come. */
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
