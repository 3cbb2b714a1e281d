/** Plans background polls of verifications, which run whether a client asks or not. */
export interface FollowUps {
  /** Plans one follow-up per id, however often it is called. Throws `StoreUnavailable`. */
  readonly plan: (id: string, atMs: number) => Promise<void>;
  /** Plans a follow-up that has not begun for another time. Throws `StoreUnavailable`. */
  readonly bringForward: (id: string, atMs: number) => Promise<void>;
}
