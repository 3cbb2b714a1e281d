import { LRUCache } from 'lru-cache';
import { sanitizeRequestId, type Billing } from '../../contract/index.ts';
import type { LedgerEntry } from '../../ports/index.ts';
import { modeOf, type Clock, type KeySpace, type Providers } from '../core-deps.ts';
import { keyedHash } from '../records/keyed-hash.ts';
import { readCalls } from '../records/recorded-call.ts';
import type { AnyRecord, BankCardRecord, VerificationRecord } from '../records/records.ts';

export type LedgerDeps = Clock & KeySpace & Pick<Providers, 'registry'>;

/** A call to an action that may charge, and what is known about its price. */
export interface Charge {
  readonly providerId: string;
  /** The name of the account. */
  readonly account: string;
  readonly action: string;
  readonly billing: Billing;
  /** When it was sent, in epoch ms. */
  readonly atMs: number;
  /** The provider's id of the request. */
  readonly requestId: string | null;
}

/** A refusal for the sake of money: by which limit, and how many since the last entry. */
export interface RefusedByLimit {
  readonly providerId: string;
  readonly account: string;
  readonly limit: 'TENANT_DAILY' | 'VELOCITY' | 'PROVIDER_ACCOUNT';
  readonly count: number;
}

/** A call that may charge is about to be sent. */
export function chargeBegunEntry(
  deps: LedgerDeps,
  record: AnyRecord,
  { providerId, account, action }: Pick<Charge, 'providerId' | 'account' | 'action'>,
): LedgerEntry {
  const about = {
    ...aboutRecord(deps, record),
    ...aboutProvider(deps, { providerId, account }),
    action,
  };
  return { kind: 'charge_begun', atMs: deps.now(), ...about };
}

/** What the calls of a claim cost; `charge_dropped` if none was sent. */
export function chargeEntries(
  deps: LedgerDeps,
  record: AnyRecord,
  charges: readonly Charge[],
): readonly LedgerEntry[] {
  const about = aboutRecord(deps, record);
  if (charges.length === 0) return [{ kind: 'charge_dropped', atMs: deps.now(), ...about }];
  return charges.map(({ providerId, account, action, billing, atMs, requestId }) => ({
    kind: 'charge',
    atMs,
    ...about,
    ...aboutProvider(deps, { providerId, account }),
    ...{ action, billing, providerRequestId: requestId },
  }));
}

/** What a start or a check has left. */
export function answerEntry(deps: LedgerDeps, answer: AnyRecord, action: string): LedgerEntry {
  const about = {
    ...{ atMs: deps.now(), ...aboutRecord(deps, answer) },
    ...aboutProvider(deps, answer),
  };
  switch (answer.kind) {
    case 'reused':
      return { kind: 'reused', ...about, of: answer.verificationId };
    case 'bank_card': {
      const { result, checkedElements: elements, sourceCheckId: of } = answer;
      const told = { ...toldBy(answer), action, checks: elements.join(' '), of };
      return {
        kind: 'checked',
        ...about,
        ...told,
        status: result?.outcome,
        billing: result?.billing,
      };
    }
    case 'verification': {
      const { channel, checks, identityLevel } = answer;
      const told = { ...toldBy(answer), channel, action, checks: checks.join(' '), identityLevel };
      return { kind: 'started', ...about, ...told };
    }
  }
}

/** A verification has ended. `callerId`: who cancelled it. */
export function endEntry(
  deps: LedgerDeps,
  record: VerificationRecord,
  callerId: string | null = null,
): LedgerEntry {
  const { outcome, status, channel, tenantId } = record;
  const isCancelled = status === 'CANCELLED';
  return {
    kind: isCancelled ? 'cancelled' : 'ended',
    atMs: record.lastCheckedAtMs ?? deps.now(),
    ...aboutVerification(deps, record),
    callerHash: callerId === null ? null : personHash(deps, tenantId, callerId),
    ...{ channel, status, evidence: outcome?.evidence },
    ...{ billing: outcome?.billing ?? 'UNKNOWN', chargedAttempts: outcome?.chargedAttempts },
  };
}

/** The provider told how a verification ended that had been cancelled before. */
export function lateOutcomeEntry(
  deps: LedgerDeps,
  record: VerificationRecord,
  { status, outcome }: Pick<VerificationRecord, 'status' | 'outcome'>,
): LedgerEntry {
  return {
    kind: 'outcome_after_cancel',
    atMs: deps.now(),
    ...aboutVerification(deps, record),
    ...{ channel: record.channel, status, evidence: outcome?.evidence },
    ...{ billing: outcome?.billing ?? 'UNKNOWN', chargedAttempts: outcome?.chargedAttempts },
  };
}

export function readingEntry(
  deps: Clock & KeySpace,
  record: VerificationRecord,
  callerId: string,
  kind: 'identity_read' | 'media_read',
): LedgerEntry {
  return { kind, atMs: deps.now(), ...byCaller(deps, record, callerId) };
}

export function redactedEntry(
  deps: Clock & KeySpace,
  record: VerificationRecord | BankCardRecord,
  callerId: string,
): LedgerEntry {
  const { consentRef } = record;
  const about = { ...byCaller(deps, record, callerId), consentRef: toConsentRef(consentRef) };
  return { kind: 'redacted', atMs: deps.now(), ...about };
}

/** A limit that is about money has refused `count` requests like this one. */
export function refusedEntry(
  deps: LedgerDeps,
  record: AnyRecord,
  { providerId, account, limit, count }: RefusedByLimit,
): LedgerEntry {
  const { tenantId, callerId, userId } = record;
  return {
    kind: 'refused',
    atMs: deps.now(),
    tenantId,
    callerHash: personHash(deps, tenantId, callerId),
    userHash: personHash(deps, tenantId, userId),
    ...aboutProvider(deps, { providerId, account }),
    ...{ limit, count },
  };
}

/** A keyed hash of a person of a tenant, as a caller or as a user. */
export function personHash(deps: KeySpace, tenantId: string, userId: string): string {
  const [{ key }] = deps.hashKeys;
  const parts = [modeOf(deps), tenantId, userId];
  const name = JSON.stringify(parts);
  const byName = hashes.get(key) ?? new LRUCache<string, string>({ max: mostHashes });
  hashes.set(key, byName);
  const known = byName.get(name) ?? keyedHash(key, 'auditor', parts);
  byName.set(name, known);
  return known;
}

/** Remembered by hash key, because each entry of a record needs the same two. */
const hashes = new WeakMap<object, LRUCache<string, string>>();
const mostHashes = 5000;

function aboutRecord(deps: KeySpace, record: AnyRecord) {
  const { tenantId, callerId, userId, id: recordId } = record;
  return {
    ...{ tenantId, recordId },
    callerHash: personHash(deps, tenantId, callerId),
    userHash: personHash(deps, tenantId, userId),
  };
}

function byCaller(deps: KeySpace, record: AnyRecord, callerId: string) {
  const about = aboutRecord(deps, record);
  return { ...about, callerHash: personHash(deps, record.tenantId, callerId) };
}

function aboutProvider(
  { registry }: Pick<Providers, 'registry'>,
  { providerId, account }: Pick<Charge, 'providerId' | 'account'>,
) {
  const jurisdiction = registry.find(providerId)?.definition.jurisdiction;
  return { providerId, account, jurisdiction };
}

/** `chargedBy`: whether its price is told by its calls, or by its outcome. */
function aboutVerification(deps: LedgerDeps, record: VerificationRecord) {
  const definition = deps.registry.find(record.providerId)?.definition;
  const action = definition?.channels[record.channel]?.action;
  const effect = action === undefined ? undefined : definition?.actions[action]?.effect;
  return {
    ...aboutRecord(deps, record),
    ...aboutProvider(deps, record),
    action,
    chargedBy: effect === 'may_charge' ? 'call' : 'outcome',
  };
}

function toldBy({ calls, consentRef }: VerificationRecord | BankCardRecord) {
  const lastId = readCalls(calls).findLast(({ outcome }) => outcome === 'ok')?.requestId;
  return { providerRequestId: lastId, consentRef: toConsentRef(consentRef) };
}

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu;
/** A phone, ID or card number in it, or the number of a passport or an identity card of Hong Kong and elsewhere. */
const personal = /\d{11}|^[A-Z]{0,3}\d{6,10}(?:\(?[\dA-Z]\)?)?$/iu;

/** A reference that could be the number of a person, or that is no plain id, is not repeated. */
function toConsentRef(consentRef: string | null): string | null {
  if (consentRef === null || uuid.test(consentRef)) return consentRef;
  const isPlain = sanitizeRequestId(consentRef) === consentRef && !personal.test(consentRef);
  return isPlain ? consentRef : 'withheld';
}
