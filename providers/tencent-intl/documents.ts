import type { DocumentKind, ToldIdentity } from '../../src/contract/plugin-api.ts';
import type { WebResult } from './api.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Where a kind of document has what. Of several members, the first that is filled counts. */
interface DocumentForm {
  readonly kind: DocumentKind;
  /** ISO 3166-1 alpha-2. Null: the document names it itself. */
  readonly region: string | null;
  readonly name: readonly string[];
  /** The parts of the name, if it has no member of its own. Of several lists, the first with a filled part counts. */
  readonly nameParts?: readonly (readonly string[])[];
  readonly number: readonly string[];
  readonly birth?: readonly string[];
  readonly expiry?: readonly string[];
}

const regionFields = ['IssuedCountry', 'IssuingCountry'];

// Members of NormalCardInfo come first, those of CardInfo second. Source: tencentcloud-sdk-nodejs-intl-en 3.0.1335.
const forms: Readonly<Record<string, DocumentForm>> = {
  HKIDCard: {
    ...{ kind: 'ID_CARD', region: 'HK' },
    name: ['FullName', 'EnName', 'ChineseName', 'CnName'],
    number: ['LicenseNumber', 'IdNum'],
    birth: ['Birthday'],
  },
  MLIDCard: {
    ...{ kind: 'ID_CARD', region: 'MY' },
    name: ['FullName', 'Name'],
    number: ['LicenseNumber', 'ID'],
    birth: ['Birthday'],
  },
  IndonesiaIDCard: {
    ...{ kind: 'ID_CARD', region: 'ID' },
    name: ['FullName', 'Nama'],
    number: ['LicenseNumber', 'NIK'],
    birth: ['Birthday', 'TempatTglLahir'],
    expiry: ['DueDate', 'BerlakuHingga'],
  },
  ThailandIDCard: {
    ...{ kind: 'ID_CARD', region: 'TH' },
    name: ['FullName'],
    nameParts: [['FirstName', 'LastName']],
    number: ['LicenseNumber'],
    birth: ['Birthday', 'DateOfBirth'],
    expiry: ['ExpirationDate', 'DateOfExpiry'],
  },
  SingaporeIDCard: {
    ...{ kind: 'ID_CARD', region: 'SG' },
    name: ['FullName', 'EnName', 'ChineseName', 'ChName'],
    number: ['LicenseNumber', 'NRICCode', 'ID'],
    birth: ['Birthday'],
    expiry: ['DateOfExpiration'],
  },
  InternationalIDPassport: {
    ...{ kind: 'PASSPORT', region: null },
    name: ['FullName'],
    nameParts: [['GivenName', 'Surname']],
    number: ['LicenseNumber'],
    birth: ['Birthday'],
    expiry: ['DateOfExpiration'],
  },
  GeneralCard: {
    ...{ kind: 'OTHER', region: null },
    name: ['FullName'],
    nameParts: [['FirstName', 'LastName'], ['FullNameLocal'], ['FirstNameLocal', 'LastNameLocal']],
    number: ['LicenseNumber', 'PersonalNumber', 'RegistrationNumber'],
    birth: ['Birthday'],
    expiry: ['ExpirationDate', 'DueDate'],
  },
  MainlandIDCard: {
    ...{ kind: 'ID_CARD', region: 'CN' },
    name: ['FullName'],
    number: ['LicenseNumber'],
    birth: ['Birthday'],
  },
  HMTPermitCard: {
    ...{ kind: 'TRAVEL_PERMIT', region: 'CN' },
    name: ['Name', 'EnglishName'],
    number: ['Number'],
    birth: ['Birthday'],
    expiry: ['ValidDate'],
  },
  TaiWanIDCard: {
    ...{ kind: 'ID_CARD', region: 'TW' },
    name: ['FullName'],
    number: ['LicenseNumber', 'RegistrationNumber'],
  },
  JapanIDCard: {
    ...{ kind: 'ID_CARD', region: 'JP' },
    name: ['FullName'],
    number: ['LicenseNumber'],
    birth: ['Birthday'],
    expiry: ['ExpirationDate'],
  },
  MacaoIDCard: partsOfName('ID_CARD', 'MO', ['ExpirationDate']),
  BangladeshIDCard: partsOfName('ID_CARD', 'BD'),
  NigeriaIDCard: partsOfName('ID_CARD', 'NG'),
  NigeriaDrivingLicense: partsOfName('DRIVING_LICENSE', 'NG', ['ExpirationDate']),
  PakistanIDCard: partsOfName('ID_CARD', 'PK'),
  PakistanDrivingLicense: partsOfName('DRIVING_LICENSE', 'PK'),
  IndonesiaDrivingLicense: partsOfName('DRIVING_LICENSE', 'ID', ['ExpirationDate']),
  PhilippinesVoteID: {
    ...{ kind: 'VOTER_ID', region: 'PH', name: [] },
    nameParts: [['FirstName', 'LastName']],
    number: ['VIN'],
    birth: ['Birthday'],
  },
  PhilippinesDrivingLicense: {
    ...{ kind: 'DRIVING_LICENSE', region: 'PH' },
    name: ['Name'],
    nameParts: [['FirstName', 'MiddleName', 'LastName']],
    number: ['LicenseNo'],
    birth: ['Birthday'],
    expiry: ['ExpiresDate'],
  },
  PhilippinesTinID: {
    ...{ kind: 'TAX_ID', region: 'PH', name: ['FullName'] },
    number: ['LicenseNumber'],
    birth: ['Birthday'],
  },
  PhilippinesSSSID: {
    ...{ kind: 'SOCIAL_SECURITY_ID', region: 'PH', name: ['FullName'] },
    number: ['LicenseNumber'],
    birth: ['Birthday'],
  },
  PhilippinesUMID: {
    ...{ kind: 'SOCIAL_SECURITY_ID', region: 'PH', name: [] },
    nameParts: [['GivenName', 'MiddleName', 'Surname']],
    number: ['CRN'],
    birth: ['Birthday'],
  },
};

/** The person of the document that passed last. Null if none was read, as in the modes without a document. */
export function toDocumentIdentity({ OCRResult: results }: WebResult): ToldIdentity | null {
  const passed = (results ?? []).findLast(({ IsPass: isPass }) => isPass === true);
  // NormalCardInfo has the same names for every document, but lacks some kinds.
  for (const cards of [passed?.NormalCardInfo, passed?.CardInfo]) {
    for (const [member, fields] of Object.entries(cards ?? {})) {
      const identity = fields && toIdentity(forms[member] ?? unknownForm, fields);
      if (identity) return identity;
    }
  }
  return null;
}

/** A kind that a newer version of the provider added. */
const unknownForm: DocumentForm = {
  ...{ kind: 'OTHER', region: null },
  name: ['FullName', 'Name'],
  nameParts: [['FirstName', 'LastName']],
  number: ['LicenseNumber'],
  birth: ['Birthday'],
  expiry: ['ExpirationDate'],
};

function toIdentity(form: DocumentForm, fields: Fields): ToldIdentity | null {
  const first = (names: readonly string[] = []): string | null =>
    names.map((name) => textOf(fields[name])).find((text) => text !== null) ?? null;
  const parts = (form.nameParts ?? [])
    .map((names) => names.flatMap((name) => textOf(fields[name]) ?? []))
    .find(({ length }) => length > 0);
  const name = first(form.name) ?? parts?.join(' ') ?? null;
  const number = first(form.number);
  if (name === null && number === null) return null;
  return {
    source: 'DOCUMENT',
    name,
    idNumber: form.kind === 'ID_CARD' ? number : null,
    personCode: null,
    document: {
      kind: form.kind,
      issuingRegion: form.region ?? first(regionFields),
      number,
      birthDate: toDate(first(form.birth)),
      expiresOn: toDate(first(form.expiry)),
    },
  };
}

/**
 * ISO 8601 if the year comes first. Otherwise the order of day and month is not known: no document promises a format.
 * Indonesian documents write the place of birth before the date. A place without a date is null.
 */
function toDate(given: string | null): string | null {
  const text =
    /[a-z][,/ ]+(\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4})$/iu.exec(given ?? '')?.[1] ?? given ?? '';
  const [, year, month, day] = isoOrder.exec(text) ?? [];
  if (year === undefined) return /\d/u.test(text) ? text : null;
  return `${year}-${month}-${day}`;
}

const isoOrder = /^((?:19|20|21)\d{2})[-/.年]?(0[1-9]|1[0-2])[-/.月]?(0[1-9]|[12]\d|3[01])日?$/u;

function textOf(value: unknown): string | null {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? null : text;
}

function partsOfName(
  kind: DocumentKind,
  region: string,
  expiry: readonly string[] = [],
): DocumentForm {
  return {
    ...{ kind, region, expiry, name: [] },
    nameParts: [['FirstName', 'LastName']],
    number: ['LicenseNumber'],
    birth: ['Birthday'],
  };
}
