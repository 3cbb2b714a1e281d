export const checkKinds = [
  'LIVENESS',
  'FACE_MATCH',
  'IDENTITY_RECORD',
  'DOCUMENT',
  'INTENTION',
] as const;
export type CheckKind = (typeof checkKinds)[number];

export const terminalStatuses = [
  'PASSED',
  'FAILED',
  'EXPIRED',
  'CANCELLED',
  'UNDETERMINED',
] as const;
export type TerminalStatus = (typeof terminalStatuses)[number];
export type VerificationStatus = 'PENDING' | TerminalStatus;

export const pendingPhases = ['WAITING_FOR_PERSON', 'PROCESSING', 'UNDER_REVIEW'] as const;
/**
 * What a pending verification waits for. `UNDER_REVIEW`: people at the provider decide, which may take days. Such a
 * verification does not expire; it is polled every minute at most, until `retentionSeconds` are over.
 */
export type PendingPhase = (typeof pendingPhases)[number];

export type Billing = 'CHARGED' | 'NOT_CHARGED' | 'UNKNOWN';

export const bankCardOutcomes = [
  'MATCHED',
  'MISMATCHED',
  'CARD_UNUSABLE',
  'INPUT_REFUSED',
  'NOT_PERFORMED',
  'UNDETERMINED',
] as const;
export type BankCardOutcome = (typeof bankCardOutcomes)[number];

/** What a bank card check compares. Every check has the card number. */
export const bankCardElements = ['CARD_NUMBER', 'NAME', 'ID_NUMBER', 'PHONE'] as const;
export type BankCardElement = (typeof bankCardElements)[number];

/** What a person needs to begin a verification, as the provider returned it. */
export type Launch =
  | {
      readonly kind: 'redirect';
      readonly url: string;
      readonly longUrl?: string | undefined;
      readonly token?: string | undefined;
    }
  | {
      readonly kind: 'sdk_token';
      readonly token: string;
      readonly clientConfig?: string | undefined;
    }
  | {
      readonly kind: 'mini_program';
      readonly token: string;
      readonly url?: string | undefined;
      readonly longUrl?: string | undefined;
    };

/** A verification that a provider has started. */
export interface Started {
  /** Null if the person has nothing to do, for example when the start included the documents. */
  readonly launch: Launch | null;
  /**
   * True, with a null launch, if the provider makes the launch only after the start. `fetchOutcome` returns it, as
   * `{ kind: 'pending', launch }`. Do not poll for it inside the start: an operation has 9 s.
   */
  readonly launchFollows?: boolean;
  /** The plugin's own data for later queries: small, JSON, no personal data. */
  readonly session: Readonly<Record<string, string | number | boolean | null>>;
  /** How long the person may take, in seconds from the provider's response. */
  readonly expiresInSeconds: number;
  /** The provider's id of this verification, if callers need it for another product of the provider. */
  readonly flowId?: string;
  /** The outcome, if the start response already contains it. Core then never queries the provider. */
  readonly outcome?: Extract<OutcomeAnswer, { readonly kind: 'ended' }>;
}

export const identityLevels = ['NONE', 'MASKED', 'FULL'] as const;
/** How much of the verified person's identity the caller wants to learn. */
export type IdentityLevel = (typeof identityLevels)[number];

export const identitySources = ['PROVIDER_RECORD', 'DOCUMENT', 'CALLER'] as const;
/**
 * Where an identity comes from: a register that the provider asked, a document that the person showed, or the caller's
 * own input, which the provider only repeats.
 */
export type IdentitySource = (typeof identitySources)[number];

export const documentKinds = [
  'ID_CARD',
  'PASSPORT',
  'DRIVING_LICENSE',
  'RESIDENCE_PERMIT',
  'TRAVEL_PERMIT',
  'VOTER_ID',
  'TAX_ID',
  'SOCIAL_SECURITY_ID',
  'OTHER',
] as const;
export type DocumentKind = (typeof documentKinds)[number];

/** A document that the person showed. */
export interface ToldDocument {
  readonly kind: DocumentKind;
  /** An ISO 3166-1 code: `HK`, or `MYS` if the document says so. */
  readonly issuingRegion: string | null;
  readonly number: string | null;
  /** `2001-12-31`, or as the provider writes it if the order of its parts is not known. */
  readonly birthDate: string | null;
  readonly expiresOn: string | null;
}

/** Who was verified, as the provider tells it, in clear. An empty text counts as null. */
export interface ToldIdentity {
  readonly source: IdentitySource;
  readonly name: string | null;
  readonly idNumber: string | null;
  /** The provider's own code for the person. It is the same each time this person is verified for this account. */
  readonly personCode: string | null;
  readonly document: ToldDocument | null;
}

export const mediaKinds = [
  'LIVENESS_VIDEO',
  'BEST_FRAME',
  'DOCUMENT_FRONT',
  'DOCUMENT_BACK',
  'INTENTION_VIDEO',
] as const;
export type MediaKind = (typeof mediaKinds)[number];

/** A recording that the provider stored in the bucket of the account's owner. Never the recording itself. */
export interface ToldMedia {
  readonly kind: MediaKind;
  /** `https://…` */
  readonly address: string;
}

/** How a verification ended, in terms that all providers share. */
export interface VerificationResult {
  readonly status: TerminalStatus;
  /** The provider's own result code. */
  readonly code: string | null;
  /** A value of `VerificationOutcomeReason`. */
  readonly reason: string;
  /** The documented text of the code, from the plugin's table. Never the provider's free text. */
  readonly message: string | null;
  /** 0 to 100. */
  readonly similarity: number | null;
  readonly completedAtMs: number | null;
  readonly billing: Billing;
  readonly chargedAttempts: number | null;
  /** A member of `VerificationOutcomeDetails`; `__typename` names the type. No personal data. */
  readonly details: ({ readonly __typename: string } & Readonly<Record<string, unknown>>) | null;
  /** Who was verified. Core keeps as much of it as the caller asked for, and only after a pass. */
  readonly identity?: ToldIdentity | null;
  readonly media?: readonly ToldMedia[];
}

/** The outcome of a verification as a provider reports it. */
export type OutcomeAnswer =
  /** Not finished, and may still finish. Becomes EXPIRED after expiry plus grace. */
  | {
      readonly kind: 'pending';
      readonly chargedAttempts?: number | null;
      /** True once the person has begun, if the launch cannot be used a second time. */
      readonly launchUsed?: boolean;
      /** The launch that follows the start (`launchFollows`). Core takes the first one. */
      readonly launch?: Launch;
      /** With `launch`: how long the person may take from now, in seconds. */
      readonly expiresInSeconds?: number;
      /** What the verification waits for. By default what it waited for before. */
      readonly phase?: PendingPhase;
    }
  /**
   * The provider does not report an outcome, and may never. Becomes UNDETERMINED after expiry plus grace, a review by
   * people after `retentionSeconds`.
   */
  | { readonly kind: 'not_told'; readonly chargedAttempts?: number | null }
  | { readonly kind: 'ended'; readonly result: VerificationResult };

/** How a bank card check ended. */
export interface BankCardResult {
  readonly outcome: BankCardOutcome;
  /** A value of `BankCardOutcomeReason`. */
  readonly reason: string;
  /** The provider's own result code. */
  readonly code: string | null;
  /** The documented text of the code, from the plugin's table. Never the provider's free text. */
  readonly message: string | null;
  readonly billing: Billing;
  /** With a daily limit: when it ends, in epoch ms. */
  readonly possibleAgainAtMs?: number | null;
}
