import type { LedgerEntry, StoredRecord } from '../../ports/index.ts';
import type { Failed } from '../problem.ts';
import type { AnyRecord } from '../records/records.ts';
import type { CallTerms } from '../upstream/call-terms.ts';
import type { ClaimEffect } from '../upstream/claim-effect.ts';
import type { ClaimTickets, ClaimUnderKeys } from './claim-under-keys.ts';

/** How long a claim is kept after its call was started. */
export const keepClaimSeconds = 24 * 3600;

/** One provider that can do the work. */
export interface ClaimedAttempt<Answer extends AnyRecord> {
  readonly providerId: string;
  /** The name of the account. */
  readonly account: string;
  readonly effect: ClaimEffect;
  /** The provider's action that starts or checks. */
  readonly action: string;
  /**
   * Calls the provider once and returns the record of its result. The error that it throws claims no more than
   * is proven (see `performOperation`).
   */
  readonly perform: (terms: CallTerms) => Promise<Answer>;
  /** Starts reads that `perform` will need, in the round trip that takes the claim. Must not throw. */
  readonly prefetch?: () => void;
  /** Runs once the record of the answer is stored, beside the step that settles the claim. Must not throw. */
  readonly onKept?: (answer: Answer) => Promise<void>;
}

/** What the winner of a claim does with it. */
export interface LedWork<Answer extends AnyRecord> {
  readonly operation: string;
  /** The record that the claim points to. */
  readonly placeholder: AnyRecord;
  readonly first: ClaimedAttempt<Answer>;
  /**
   * The next providers, in order. Each is prepared and used only if the one before has certainly done nothing
   * chargeable. Returns null for a provider that cannot do this work.
   */
  readonly fallbacks?: readonly (() => ClaimedAttempt<Answer> | null)[];
  /** Whether the caller gets a result that could not be stored. */
  readonly handOutUnkept: boolean;
}

/** A claim that was won, with the tickets to change it. */
export interface HeldClaim {
  readonly claim: ClaimUnderKeys;
  readonly tickets: ClaimTickets;
}

/** A claim whose record was written. */
export interface LedClaim extends HeldClaim {
  /** The record as it was written. */
  readonly placeholder: StoredRecord;
}

export type LedOutcome<Answer> =
  | {
      readonly kind: 'answered';
      readonly recordId: string;
      readonly answer: Answer;
      readonly stored: boolean;
    }
  | (Failed & {
      /** The record holds the result, and the claim may point to it: the record must not be removed. */
      readonly kept?: boolean;
    });

/** An attempt that has ended. */
export interface MadeAttempt {
  readonly providerId: string;
  readonly account: string;
  readonly effect: ClaimEffect;
  readonly action: string;
  /** What the ledger does not know yet about the price of this claim's calls. */
  readonly entries: readonly LedgerEntry[];
  /** Whether STARTED was confirmed, so that something may have been sent. */
  readonly started: boolean;
  /** The record as it was known last: when STARTED was confirmed, or else when it was written. */
  readonly stored: StoredRecord;
}
