import type { TerminalStatus } from '../contract/index.ts';
import type { RecordedOutcome } from '../core/records/records.ts';

/** The parent of the resolvers of `VerificationOutcome`. */
export interface EndedOutcome extends RecordedOutcome {
  readonly status: TerminalStatus;
}
