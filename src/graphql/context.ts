import type { Caller } from '../core/callers/caller.ts';
import type { CoreDeps } from '../core/core-deps.ts';
import type { Loaders } from './loaders.ts';

/** The context of every resolver. */
export interface GraphqlContext {
  readonly core: CoreDeps;
  readonly caller: Caller;
  /** The deadline of the operation. */
  readonly deadlineMs: number;
  readonly loaders: Loaders;
  /** Size of the request body as it was sent. */
  readonly bodyBytes: number;
  /** What may still be done for the request, depending on how long it waited for admission. */
  readonly admitted: 'in_time' | 'late' | 'shed';
}

export interface UserRef {
  readonly id: string;
}
