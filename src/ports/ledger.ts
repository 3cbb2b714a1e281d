/** What an entry tells. docs/ledger.md says when each kind is written. */
export const ledgerKinds = [
  'started',
  'reused',
  'checked',
  'charge_begun',
  'charge',
  'charge_dropped',
  'ended',
  'cancelled',
  'outcome_after_cancel',
  'identity_read',
  'media_read',
  'redacted',
  'refused',
  'settings_changed',
  'revoked',
] as const;

export type LedgerKind = (typeof ledgerKinds)[number];

/** The fields of an entry beside `kind` and `at`, in the order in which they are written, hashed and exported. */
export const ledgerFields = [
  'tenantId',
  'callerHash',
  'userHash',
  'recordId',
  'providerId',
  'account',
  'jurisdiction',
  'channel',
  'action',
  'checks',
  'status',
  'billing',
  'chargedAttempts',
  'chargedBy',
  'evidence',
  'providerRequestId',
  'consentRef',
  'identityLevel',
  'limit',
  'count',
  'of',
  'settings',
  'version',
  'requestId',
  'operation',
] as const;

export type LedgerField = (typeof ledgerFields)[number];

/**
 * One entry of the ledger. It contains ids, keyed hashes and codes of this service only, and no personal data. A field
 * without a value is left out.
 */
export type LedgerEntry = {
  readonly kind: LedgerKind;
  /** Epoch ms. */
  readonly atMs: number;
} & {
  readonly [field in Exclude<LedgerField, 'requestId' | 'operation'>]?:
    string | number | null | undefined;
};

/** Keeps entries that belong to no other step. Every method throws `StoreUnavailable` on failure. */
export interface LedgerStore {
  readonly append: (entries: readonly LedgerEntry[]) => Promise<void>;
  /** The settings that the ledger was told of last, as a text. */
  readonly noted: {
    readonly read: () => Promise<string | null>;
    /** False if the text is no longer `before`. The entries are appended in the same step. */
    readonly replace: (
      before: string | null,
      after: string,
      entries: readonly LedgerEntry[],
    ) => Promise<boolean>;
  };
}
