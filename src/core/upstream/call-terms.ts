import type { ActionEffect } from '../../contract/index.ts';
import type { LimiterPriority } from '../../ports/index.ts';

/** On which terms the calls of an operation are made. */
export interface CallTerms {
  readonly priority: LimiterPriority;
  /** When the whole operation has to be over. */
  readonly deadlineMs: number;
  /** When to stop waiting for a turn, where that is earlier than the deadline demands. */
  readonly turnByMs?: number | undefined;
  /** How long the response is waited for, where that is less than usual. */
  readonly answerWithinMs?: number | undefined;
  /** What waiting for a turn leaves for the response, where that is less than usual. */
  readonly keptForAnswerMs?: number | undefined;
  /**
   * Steps that must succeed once the moment of sending is known and before a byte is sent. They run at the same
   * time; one that throws prevents the call. They run again when that moment was missed, and before the
   * same call is sent once more.
   */
  readonly beforeSend: readonly BeforeSend[];
}

export type BeforeSend = (effect: ActionEffect) => Promise<void>;

/** No upstream call lasts longer; below every deadline in front of this service. */
export const providerTimeoutMs = 6000;

/** From the confirmation that a call may be sent to its latest possible response. */
export const latestResponseMs = providerTimeoutMs + 2000;

/** How much of the time left is kept for the response, so that waiting for a turn cannot use it up. */
export const keptForAnswerMs = {
  start: providerTimeoutMs,
  result: 1000,
  reconcile: 1000,
} as const satisfies Record<LimiterPriority, number>;
