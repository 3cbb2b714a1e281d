import {
  documentKinds,
  identitySources,
  mediaKinds,
  normaliseIdNumber,
  normaliseName,
  type IdentityLevel,
  type OutcomeAnswer,
  type ToldDocument,
  type ToldIdentity,
  type ToldMedia,
} from '../../contract/index.ts';
import { modeOf, type Clock, type KeySpace } from '../core-deps.ts';
import { keyedHash, keyedHashes } from '../records/keyed-hash.ts';
import type { VerificationRecord } from '../records/records.ts';
import type { ClearIdentity, RecordedIdentity, SubjectHashes } from './recorded-identity.ts';
import { maskName, maskNumber } from './masks.ts';

interface Named {
  readonly name: string | null;
  readonly idNumber: string | null;
}

type SubjectField = keyof Named;

/** Longer than any name or number, so that no answer makes a record large. */
const mostCharacters = 200;
const mostAddressCharacters = 2048;
const mostMedia = 50;
/** How long values in clear are kept at most, also where the personal part lives longer. */
const mostClearMs = 3 * 24 * 3600 * 1000;

/** Null if the start named nobody. Under the newest hash key. */
export function toSubjectHashes(
  deps: KeySpace,
  recordId: string,
  { name, idNumber }: Named,
): SubjectHashes | null {
  if (name === null && idNumber === null) return null;
  const { key } = deps.hashKeys[0];
  const hashOf = (field: SubjectField, value: string | null): string | null =>
    value === null ? null : keyedHash(key, 'subject', partsOf(deps, recordId, field, value));
  return { name: hashOf('name', name), idNumber: hashOf('idNumber', idNumber) };
}

/**
 * A concluded verification with what the provider told about the person, as far as the caller asked for it. Only a pass
 * says who somebody is. The hashes of the start are of no use after its end.
 */
export function keepIdentity(
  deps: Clock & KeySpace,
  record: VerificationRecord,
  answer: OutcomeAnswer | undefined,
): VerificationRecord {
  if (record.status === 'PENDING' || record.redactedAtMs !== null) return record;
  const known = { ...record, subjectHashes: null };
  if (answer?.kind !== 'ended') return known;
  const { identity: told, media } = answer.result;
  const isPass = record.status === 'PASSED';
  const identity = isPass && told ? toRecordedIdentity(deps, record, told) : null;
  const clearUntilMs = identity?.clear ? deps.now() + mostClearMs : Infinity;
  return {
    ...known,
    identity,
    media: readMedia(media),
    personalUntilMs: Math.min(record.personalUntilMs, clearUntilMs),
  };
}

function toRecordedIdentity(
  deps: KeySpace,
  { id, identityLevel, subjectHashes }: VerificationRecord,
  told: ToldIdentity,
): RecordedIdentity | null {
  if (identityLevel === 'NONE') return null;
  const name = textOf(told.name);
  const idNumber = textOf(told.idNumber);
  const personCode = textOf(told.personCode);
  const document = told.document && readDocument(told.document);
  const isNamed = [name, idNumber, personCode, document?.number ?? null].some(
    (value) => value !== null,
  );
  if (!isNamed) return null;
  return {
    nameMasked: name && maskName(name),
    idNumberMasked: idNumber && maskNumber(idNumber),
    matchesSubject: matches(deps, id, subjectHashes, {
      name,
      idNumber: idNumber ?? document?.number ?? null,
    }),
    source: identitySources.find((each) => each === told.source) ?? 'CALLER',
    personCode,
    document: document && {
      kind: document.kind,
      issuingRegion: document.issuingRegion,
      numberMasked: document.number && maskNumber(document.number),
      expiresOn: document.expiresOn,
    },
    clear: toClear(identityLevel, { name, idNumber }, document),
  };
}

function toClear(
  level: IdentityLevel,
  { name, idNumber }: Named,
  document: ToldDocument | null,
): ClearIdentity | null {
  if (level !== 'FULL') return null;
  const { birthDate = null, number: documentNumber = null } = document ?? {};
  return { name, idNumber, birthDate, documentNumber };
}

/** Null if the start and the provider have no field in common. */
function matches(
  deps: KeySpace,
  recordId: string,
  given: SubjectHashes | null,
  told: Named,
): boolean | null {
  const compared = (['name', 'idNumber'] as const).flatMap((field) => {
    const [expected, value] = [given?.[field] ?? null, told[field]];
    if (expected === null || value === null) return [];
    const normal = field === 'name' ? normaliseName(value) : normaliseIdNumber(value);
    const parts = partsOf(deps, recordId, field, normal);
    return [keyedHashes(deps.hashKeys, 'subject', parts).includes(expected)];
  });
  return compared.length === 0 ? null : compared.every(Boolean);
}

function partsOf(
  deps: KeySpace,
  recordId: string,
  field: SubjectField,
  value: string,
): readonly string[] {
  return [modeOf(deps), recordId, field, value];
}

// A plugin in JavaScript may return anything.

function readDocument(told: ToldDocument): ToldDocument {
  return {
    kind: documentKinds.find((each) => each === told.kind) ?? 'OTHER',
    issuingRegion: textOf(told.issuingRegion),
    number: textOf(told.number),
    birthDate: textOf(told.birthDate),
    expiresOn: textOf(told.expiresOn),
  };
}

function readMedia(told: unknown): readonly ToldMedia[] {
  if (!Array.isArray(told)) return [];
  return told
    .filter(isMedia)
    .slice(0, mostMedia)
    .map(({ kind, address }) => ({ kind, address }));
}

function isMedia(told: unknown): told is ToldMedia {
  const { kind, address }: { readonly kind?: unknown; readonly address?: unknown } = Object(told);
  return (
    mediaKinds.some((each) => each === kind) &&
    typeof address === 'string' &&
    address.length <= mostAddressCharacters &&
    URL.canParse(address) &&
    new URL(address).protocol === 'https:'
  );
}

/** Null for an empty text: an empty name is no name. */
function textOf(value: string | null | undefined): string | null {
  const text = typeof value === 'string' ? value.trim().slice(0, mostCharacters) : '';
  return text === '' ? null : text;
}
