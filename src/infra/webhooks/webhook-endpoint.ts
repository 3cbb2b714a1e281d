import type { Secret } from '../../contract/index.ts';
import type { EventKind } from '../../ports/index.ts';

/** An address of the company's own that is told of events. */
export interface WebhookEndpoint {
  /** Names it in metrics, logs and commands. */
  readonly id: string;
  /** Whose events; `*` for those of all tenants. */
  readonly tenantId: string;
  readonly url: string;
  readonly kinds: readonly EventKind[];
  /** `whsec_…`. Each signs every delivery, so that a receiver may know the old or the new one. */
  readonly secrets: readonly [Secret, ...Secret[]];
  /** Networks that it may be in although they are not public, as `10.0.0.0/8`. */
  readonly privateNetworks: readonly string[];
}
