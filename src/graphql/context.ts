import type { Caller } from '../core/callers/caller.ts';
import type { CoreDeps } from '../core/core-deps.ts';
import type { Loaders } from './loaders.ts';

/** What every resolver is given. */
export interface GraphqlContext {
  readonly core: CoreDeps;
  readonly caller: Caller;
  /** When the operation has to be answered. */
  readonly deadlineMs: number;
  readonly loaders: Loaders;
  /** Of the request as it came. */
  readonly bodyBytes: number;
  /** What may still be done for it, by how long it had to wait. */
  readonly admitted: 'in_time' | 'late' | 'shed';
}

export interface UserRef {
  readonly id: string;
}
