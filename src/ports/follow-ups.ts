/** Comes back to verifications when it is time, whether anybody asks or not. */
export interface FollowUps {
  /** Once per id, however often it is called. Throws `StoreUnavailable`. */
  readonly plan: (id: string, atMs: number) => Promise<void>;
}
