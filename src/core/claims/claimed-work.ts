import type { Failed } from '../problem.ts';
import type { AnyRecord } from '../records/records.ts';
import type { CallTerms } from '../upstream/call-terms.ts';
import type { ClaimEffect } from '../upstream/claim-effect.ts';
import type { ClaimTickets, ClaimUnderKeys } from './claim-under-keys.ts';

// What is done under a claim, and how it ends.

/** How long a claim is kept once its call was begun. */
export const keepClaimSeconds = 24 * 3600;

/** One provider that can do the work. */
export interface ClaimedAttempt<Answer extends AnyRecord> {
  readonly providerId: string;
  readonly effect: ClaimEffect;
  /**
   * Calls the provider, once, and makes the record of its answer. What it throws says no more than is proven
   * (`performOperation`).
   */
  readonly perform: (terms: CallTerms) => Promise<Answer>;
}

/** What the winner of a claim does with it. */
export interface LedWork<Answer extends AnyRecord> {
  readonly operation: string;
  /** The record that the claim points to. */
  readonly placeholder: AnyRecord;
  readonly first: ClaimedAttempt<Answer>;
  /**
   * The next providers, in order, each only where the one before has certainly done nothing. Called when
   * it comes to that; null for a provider that cannot do this very work.
   */
  readonly fallbacks?: readonly (() => ClaimedAttempt<Answer> | null)[];
  /** Whether an answer that could not be kept is handed out all the same. */
  readonly handOutUnkept: boolean;
  /** What was waiting for the answer to be kept. */
  readonly onKept?: () => Promise<void>;
}

/** A claim that was won, and what moves it on. */
export interface HeldClaim {
  readonly claim: ClaimUnderKeys;
  readonly tickets: ClaimTickets;
}

export type LedOutcome<Answer> =
  | {
      readonly kind: 'answered';
      readonly recordId: string;
      readonly answer: Answer;
      readonly stored: boolean;
    }
  | (Failed & {
      /** The record has its answer, and its claim may point to it after all. */
      readonly kept?: boolean;
    });

/** The attempt that came to an end. */
export interface MadeAttempt {
  readonly providerId: string;
  readonly effect: ClaimEffect;
  /** Whether STARTED was confirmed, so that bytes may have left. */
  readonly started: boolean;
}
