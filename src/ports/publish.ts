import type { TerminalStatus } from '../contract/index.ts';

/** What other services may hear of. Ids only. */
export interface VerificationEvent {
  readonly verificationId: string;
  readonly status: TerminalStatus;
  readonly atMs: number;
}

/** Tells other services. Throws `StoreUnavailable`. */
export type Publish = (event: VerificationEvent) => Promise<void>;
