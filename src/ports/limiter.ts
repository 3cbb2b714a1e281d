export type LimiterPriority = 'start' | 'result' | 'reconcile';

/** Refused before its turn: nothing was sent. */
export class LimiterRefusal extends Error {
  override readonly name = 'LimiterRefusal';
  readonly reason: 'overloaded' | 'no_slot_in_time' | 'over_velocity';
  readonly retryAfterMs: number;

  constructor(reason: LimiterRefusal['reason'], retryAfterMs: number) {
    super(`limiter refused: ${reason}`);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface LimiterAsk {
  /** The thing that is limited: an action of an account, `tencent-cn:GetEidToken:…`. */
  readonly key: string;
  readonly perSecond: number;
  readonly priority: LimiterPriority;
  /** How long this caller can wait. */
  readonly withinMs: number;
}

/** What a call does before it is sent. */
export interface LimiterSteps {
  /** Before a moment is reserved: connecting, which takes its time. */
  readonly connect?: () => Promise<void>;
  /**
   * Once a moment is reserved and before it comes. When it comes too late because of that, another moment
   * is reserved and `prepare` runs again.
   */
  readonly prepare?: () => Promise<void>;
}

export interface Limiter {
  /**
   * Resolves at the moment of sending, to what tells whether that moment still holds. Throws
   * `LimiterRefusal`, `StoreUnavailable`, and what the steps throw.
   */
  readonly turn: (ask: LimiterAsk, steps?: LimiterSteps) => Promise<() => boolean>;
  /** The provider refused: for so long nobody sends, on any replica. Never throws. */
  readonly backOff: (key: string, forMs: number) => Promise<void>;
}
