import type { Billing, TerminalStatus } from '../contract/index.ts';

interface Entry {
  readonly tenantId: string;
  readonly recordId: string;
  /** Epoch ms. */
  readonly atMs: number;
}

/** The provider told how a verification ended that its user had cancelled. The record stays cancelled. */
interface OutcomeAfterCancel extends Entry {
  readonly kind: 'outcome_after_cancel';
  readonly providerId: string;
  readonly channel: string;
  /** What the provider told. */
  readonly status: TerminalStatus;
  readonly code: string | null;
  readonly billing: Billing;
  readonly chargedAttempts: number | null;
  readonly evidence: 'QUERIED' | 'NOTIFIED' | null;
}

/** Somebody read an identity in clear, or the addresses of recordings. */
interface Reading extends Entry {
  readonly kind: 'identity_read' | 'media_read';
  /** A keyed hash of the caller. */
  readonly callerHash: string;
}

/** What happened to a record, for an auditor. It contains ids, hashes and codes only. */
export type AuditEntry = OutcomeAfterCancel | Reading;

/** Keeps an entry. Throws `StoreUnavailable`. */
export type Audit = (entry: AuditEntry) => Promise<void>;
