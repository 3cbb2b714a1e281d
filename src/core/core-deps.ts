import type { CallProviderDeps } from './upstream/call-provider.ts';
import type { Publish, Store, Velocity, FollowUps } from '../ports/index.ts';
import type { RedirectRules } from './verifications/check-redirect-url.ts';
import type { NamedKey } from './records/keyed-hash.ts';
import type { VerificationRecord } from './records/records.ts';
import type { Registry } from './upstream/registry.ts';
import type { VelocityRules } from './callers/velocity-rules.ts';
import type { ChecksumMode } from '../contract/index.ts';

/** Everything that the use cases work with. */
export interface CoreDeps extends CallProviderDeps {
  readonly registry: Registry;
  readonly store: Store;
  readonly randomBytes: (size: number) => Buffer;
  /** Newest first. Only the newest makes new hashes; all of them verify. */
  readonly hashKeys: readonly [NamedKey, ...NamedKey[]];
  readonly sandbox: boolean;
  readonly publicUrl: string;
  readonly redirectRules: RedirectRules;
  readonly checksums: ChecksumMode;
  readonly retentionDays: number;
  /** How long a definite answer to a bank card check may be given again. */
  readonly bankCardCacheSeconds: number;
  readonly velocity: Velocity;
  readonly velocityRules: VelocityRules;
  /** Claims that this process works on or waits for, by their key and fingerprint. */
  readonly inFlight: Map<string, Promise<unknown>>;
  /** Equal questions that this process asks on behalf of others, by their key. */
  readonly sharing: Map<string, Promise<unknown>>;
  /** Verifications that this process asks about, by their id. */
  readonly asking: Map<string, Asking>;
  readonly followUps: FollowUps;
  readonly publish: Publish;
}

/** The question that is being asked, and the one after it. */
export interface Asking {
  now: Promise<VerificationRecord> | null;
  next: Promise<VerificationRecord> | null;
}

/** Real and sandbox data never share a key. */
export function modeOf(deps: Pick<CoreDeps, 'sandbox'>): string {
  return deps.sandbox ? 'sandbox' : 'live';
}
