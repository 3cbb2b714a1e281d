import type { Billing, TerminalStatus } from '../contract/index.ts';

/** What happened to a record, for an auditor. It contains ids and codes only. */
export interface AuditEntry {
  /** `outcome_after_cancel`: the provider told how a verification ended that its user had cancelled. */
  readonly kind: 'outcome_after_cancel';
  readonly tenantId: string;
  readonly recordId: string;
  readonly providerId: string;
  readonly channel: string;
  /** What the provider told. The record stays cancelled. */
  readonly status: TerminalStatus;
  readonly code: string | null;
  readonly billing: Billing;
  readonly chargedAttempts: number | null;
  readonly evidence: 'QUERIED' | 'NOTIFIED' | null;
  readonly atMs: number;
}

/** Keeps an entry. Throws `StoreUnavailable`. */
export type Audit = (entry: AuditEntry) => Promise<void>;
