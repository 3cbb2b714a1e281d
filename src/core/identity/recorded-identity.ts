import type { DocumentKind, IdentitySource } from '../../contract/index.ts';

/** Who was verified, as it is stored in the personal part of a verification. */
export interface RecordedIdentity {
  readonly nameMasked: string | null;
  readonly idNumberMasked: string | null;
  readonly matchesSubject: boolean | null;
  readonly source: IdentitySource;
  readonly personCode: string | null;
  readonly document: {
    readonly kind: DocumentKind;
    readonly issuingRegion: string | null;
    readonly numberMasked: string | null;
    readonly expiresOn: string | null;
  } | null;
  /** Only if the caller asked for the level FULL. */
  readonly clear: ClearIdentity | null;
}

export interface ClearIdentity {
  readonly name: string | null;
  readonly idNumber: string | null;
  readonly birthDate: string | null;
  readonly documentNumber: string | null;
}

/** Proves what the start gave, without keeping it. */
export interface SubjectHashes {
  readonly name: string | null;
  readonly idNumber: string | null;
}
