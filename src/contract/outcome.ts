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

/** What a person needs to begin, as the provider gave it. */
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

/** A verification as a provider began it. */
export interface Started {
  /** Null where nobody has to do anything, as when documents came with the start. */
  readonly launch: Launch | null;
  /** What the plugin needs to ask about it later: small, JSON, no personal data. */
  readonly session: Readonly<Record<string, string | number | boolean | null>>;
  /** How long the person may take, in seconds from the answer. */
  readonly expiresInSeconds: number;
  /** How it ended, where the answer of the start says so: then nobody is asked any more. */
  readonly outcome?: Extract<OutcomeAnswer, { readonly kind: 'ended' }>;
}

/** How a verification ended, in the terms every provider shares. */
export interface VerificationResult {
  readonly status: TerminalStatus;
  /** The provider's own result code. */
  readonly code: string | null;
  /** A value of `VerificationOutcomeReason`. */
  readonly reason: string;
  /** The documented text of the code, from the plugin's table; never the provider's free text. */
  readonly message: string | null;
  /** 0 to 100. */
  readonly similarity: number | null;
  readonly completedAtMs: number | null;
  readonly billing: Billing;
  readonly chargedAttempts: number | null;
  /** A member of `VerificationOutcomeDetails`; `__typename` says which. No personal data. */
  readonly details: ({ readonly __typename: string } & Readonly<Record<string, unknown>>) | null;
}

/** What asking a provider about a verification brings. */
export type OutcomeAnswer =
  /** Not finished, and may still finish. Becomes EXPIRED after expiry plus grace. */
  | {
      readonly kind: 'pending';
      readonly chargedAttempts?: number | null;
      /** True once the person has begun, if the launch then works no more. */
      readonly launchUsed?: boolean;
    }
  /** The provider does not say, and may never. Becomes UNDETERMINED after expiry plus grace. */
  | { readonly kind: 'not_told'; readonly chargedAttempts?: number | null }
  | { readonly kind: 'ended'; readonly result: VerificationResult };

/** How a bank card check ended. */
export interface BankCardResult {
  readonly outcome: BankCardOutcome;
  /** A value of `BankCardOutcomeReason`. */
  readonly reason: string;
  /** The provider's own result code. */
  readonly code: string | null;
  /** The documented text of the code, from the plugin's table; never the provider's free text. */
  readonly message: string | null;
  readonly billing: Billing;
}
