import type { ActionEffect } from '../../contract/index.ts';
import type { LimiterPriority, LimiterTenant } from '../../ports/index.ts';
import type { Charge } from '../ledger/ledger-entries.ts';
import type { RecordedCall } from '../records/recorded-call.ts';

/** Priority, time limits and preconditions for the calls of an operation. */
export interface CallTerms {
  readonly priority: LimiterPriority;
  /** When the whole operation must be over. */
  readonly deadlineMs: number;
  /**
   * When to stop waiting for the slot of the first call, if that is earlier than the deadline demands. A call that
   * follows a start has until the deadline.
   */
  readonly turnByMs?: number | undefined;
  /** How long to wait for the response, if less than usual. */
  readonly answerWithinMs?: number | undefined;
  /** How much time the wait for a slot must leave for the response, if less than usual. */
  readonly keptForAnswerMs?: number | undefined;
  /**
   * Steps that must succeed after a slot is reserved and before anything is sent. They run in parallel, and
   * one that throws prevents the call. They run again if the slot was missed, and before a retry.
   */
  readonly beforeSend: readonly BeforeSend[];
  /** For whom the call is. */
  readonly tenant?: LimiterTenant | undefined;
  /** The record that the call belongs to. */
  readonly recordId?: string | undefined;
  /** Learns of each call that was sent, however it ended. */
  readonly onCall?: ((call: RecordedCall) => void) | undefined;
  /** Learns what each call to an action that may charge has cost, as far as that is known. */
  readonly onCharge?: ((charge: Charge) => void) | undefined;
}

export type BeforeSend = (effect: ActionEffect) => Promise<void>;

/** The longest that a provider call may take. Shorter than every deadline in front of this service. */
export const providerTimeoutMs = 6000;

/** The longest that a start or a check may take, with all of its calls. */
export const workTimeoutMs = 8600;

/** The time from the confirmation that a call may be sent to the end of its operation, with some slack. */
export const latestResponseMs = workTimeoutMs + 400;

/** The time that is kept for the response, so that the wait for a slot cannot use it up. */
export const keptForAnswerMs = {
  start: providerTimeoutMs,
  result: 1000,
  reconcile: 1000,
} as const satisfies Record<LimiterPriority, number>;
