import type { AnyProvider, IdentityLevel } from '../../contract/index.ts';
import type { VelocityRules } from '../callers/velocity-rules.ts';
import type { Routing } from '../upstream/registry.ts';

/** An account that a tenant uses. */
export interface AccountUse {
  /** Its name in ACCOUNTS_FILE, or `default`. */
  readonly account: string;
  /** The channels and actions that it is for; null: all. */
  readonly uses: readonly string[] | null;
}

export type Jurisdiction = AnyProvider['jurisdiction'];
export type PageLanguage = 'zh' | 'en';

/** What is agreed for one tenant: the settings of the environment, as far as ACCOUNTS_FILE says nothing else. */
export interface TenantRules {
  /** By provider id, in order: the first account that fits is used. */
  readonly accounts: ReadonlyMap<string, readonly AccountUse[]>;
  /** Whether a provider that is not in `accounts` is used with the account of the environment. */
  readonly mayUseDefault: boolean;
  /** Null: all. */
  readonly providers: ReadonlySet<string> | null;
  readonly jurisdictions: ReadonlySet<Jurisdiction> | null;
  /** By channel. Other channels have the routing of the environment. */
  readonly routing: Routing;
  /** By channel, then by provider: percent of the users for whom this provider is the first. */
  readonly shares: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** The share in the limits of an account, relative to other tenants. */
  readonly weight: number;
  /** Origins of `redirectUrl`; null: any, in the sandbox only. */
  readonly redirectOrigins: ReadonlySet<string> | null;
  readonly mostIdentity: IdentityLevel;
  readonly needsConsent: boolean;
  /** How long the record of an ended verification is kept. */
  readonly retentionDays: number;
  /**
   * How long the lists of users' records keep their entries, at least. Not less than `retentionDays`, nor than what held
   * before the tenant had rules: a redaction has to find older records too.
   */
  readonly listedDays: number;
  /** How long the personal part is kept after the end, at most; null: for as long as its provider keeps the outcome. */
  readonly personalDays: number | null;
  /** How long a definite result of a bank card check is cached. */
  readonly bankCardCacheSeconds: number;
  readonly velocity: VelocityRules;
  /** The languages of pages for people, in order. */
  readonly languages: readonly [PageLanguage, ...PageLanguage[]];
  /** How people know the tenant. */
  readonly displayName: string | null;
}

/** The rules may change while the process runs, so they are asked for each time. */
export interface Tenants {
  readonly rulesOf: (tenantId: string) => TenantRules;
}
