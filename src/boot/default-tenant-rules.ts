import type { TenantRules } from '../core/tenants/tenant-rules.ts';
import type { Config } from './config.ts';

/** What the settings of the environment say about a tenant. */
export function defaultTenantRules(config: Config, tenantId: string): TenantRules {
  const { redirectOrigins, fullIdentityTenants } = config;
  const origins = ['*', tenantId].flatMap((key) => [...(redirectOrigins?.get(key) ?? [])]);
  const mayLearnAll = fullIdentityTenants === null || fullIdentityTenants.has(tenantId);
  return {
    ...{ accounts: new Map(), mayUseDefault: !config.accountsStrict },
    ...{ providers: null, jurisdictions: null, routing: new Map(), shares: new Map(), weight: 1 },
    redirectOrigins: redirectOrigins && new Set(origins),
    mostIdentity: mayLearnAll ? 'FULL' : 'MASKED',
    needsConsent: false,
    ...{ retentionDays: config.retentionDays, listedDays: config.retentionDays },
    personalDays: null,
    bankCardCacheSeconds: config.bankCardCacheSeconds,
    velocity: config.velocityRules,
    languages: ['zh', 'en'],
    displayName: config.tenantNames.get(tenantId) ?? null,
  };
}
