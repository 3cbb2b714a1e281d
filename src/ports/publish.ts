import type { TerminalStatus } from '../contract/index.ts';

/** An event for other services. It contains ids only. */
export interface VerificationEvent {
  readonly verificationId: string;
  readonly status: TerminalStatus;
  readonly atMs: number;
}

/** Publishes an event for other services. Throws `StoreUnavailable`. */
export type Publish = (event: VerificationEvent) => Promise<void>;
