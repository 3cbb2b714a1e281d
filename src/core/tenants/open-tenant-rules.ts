import type { TenantRules } from './tenant-rules.ts';

/** Rules without limits, for tests and the conformance suite. */
export const openTenantRules: TenantRules = {
  ...{ accounts: new Map(), mayUseDefault: true },
  ...{ providers: null, jurisdictions: null, routing: new Map(), shares: new Map(), weight: 1 },
  redirectOrigins: null,
  mostIdentity: 'FULL',
  needsConsent: false,
  ...{ retentionDays: 30, listedDays: 30, personalDays: null, bankCardCacheSeconds: 0 },
  velocity: { user: null, card: null, idNumber: null, tenantDaily: null, tenantShare: null },
  ...{ languages: ['zh', 'en'], displayName: null },
};
