export type LimiterPriority = 'start' | 'result' | 'reconcile';

/** `velocity`: a limit per user, card or ID number. */
export type LimiterReason =
  'overloaded' | 'no_slot_in_time' | 'tenant_daily' | 'tenant_share' | 'velocity';

/** The call was refused before its slot, so nothing was sent. */
export class LimiterRefusal extends Error {
  override readonly name = 'LimiterRefusal';
  readonly reason: LimiterReason;
  readonly retryAfterMs: number;

  constructor(reason: LimiterReason, retryAfterMs: number) {
    super(`limiter refused: ${reason}`);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface LimiterAsk {
  /** What is limited: an action of an account, such as `tencent-cn:GetEidToken:…`. */
  readonly key: string;
  readonly perSecond: number;
  readonly priority: LimiterPriority;
  /** How long this caller can wait, in milliseconds. */
  readonly withinMs: number;
  /** Those who wait have their turns by tenant, by weight. Calls without one share a turn. */
  readonly tenant?: LimiterTenant | undefined;
}

export interface LimiterTenant {
  readonly id: string;
  readonly weight: number;
}

/** What a call does before it is sent. */
export interface LimiterSteps {
  /** Runs before a slot is reserved: opens the connection, which takes time. */
  readonly connect?: (() => Promise<void>) | undefined;
  /**
   * Runs after a slot is reserved and before it begins. If it takes so long that the slot is missed,
   * another slot is reserved and `prepare` runs again.
   */
  readonly prepare?: (() => Promise<void>) | undefined;
}

/** A slot that has begun. */
export interface Turn {
  /** Whether a call may still be sent in it. */
  readonly isInTime: () => boolean;
  /** Call if certainly nothing was sent in it, so that another call can be. */
  readonly giveBack: () => void;
}

export interface Limiter {
  /**
   * Resolves at the moment of sending. Throws `LimiterRefusal`, `StoreUnavailable`, and what the steps throw.
   */
  readonly turn: (ask: LimiterAsk, steps?: LimiterSteps) => Promise<Turn>;
  /** The provider's rate limit refused a call: no replica sends for this long. Never throws. */
  readonly backOff: (key: string, forMs: number) => Promise<void>;
}
