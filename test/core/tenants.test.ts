import { describe, expect, it } from 'vitest';
import { checkBankCard } from '../../src/core/bank-cards/check-bank-card.ts';
import { lifeOf, type VerificationRecord } from '../../src/core/records/records.ts';
import { accountNames, offerOf } from '../../src/core/tenants/offer-of.ts';
import { openTenantRules } from '../../src/core/tenants/open-tenant-rules.ts';
import type { TenantRules } from '../../src/core/tenants/tenant-rules.ts';
import { createRegistry, type ProviderSetup } from '../../src/core/upstream/registry.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { cardInput } from '../support/card-input.ts';
import { probeWith } from '../support/probe-with.ts';
import { callerOf, createTestCore, probe } from '../support/test-core.ts';

const setup: ProviderSetup = { settings: {}, disabledReason: null, perSecond: {}, account: 'main' };
const abroad = probeWith({ id: 'abroad', jurisdiction: 'INTL' });
const named = new Map([
  [
    'probe',
    new Map([
      ['retail', { ...setup, account: '@retail' }],
      ['cards', { ...setup, account: '@cards' }],
    ]),
  ],
]);

const dayMs = 86_400_000;
/** What `lifeOf` reads of it. */
const ended = {
  kind: 'verification',
  tenantId: 't',
  status: 'PASSED',
  createdAtMs: 0,
} as VerificationRecord;

/** A core with two providers, the first of which has three accounts. */
function begin(rules: Partial<TenantRules> = {}, routing = new Map<string, readonly string[]>()) {
  const core = createTestCore({
    definitions: [probe, abroad],
    deps: { registry: createRegistry([probe, abroad], () => setup, routing, named) },
    rules,
  });
  const wish = { tenantId: 'tenant-1', userId: 'user-1', account: null, provider: null };
  const uses = () => ['FACE_WEB', 'Start'];
  const offer = (changes: object = {}) => offerOf(core.deps, { ...wish, uses, ...changes });
  const find = (id: string, changes: object = {}) => {
    const found = offer(changes);
    return 'path' in found ? found : found.find(id);
  };
  const start = (input: object) =>
    startVerification(
      core.deps,
      callerOf(),
      { idempotencyKey: 'k', channel: 'FACE_WEB', provider: 'probe', ...input },
      core.deps.now() + 9000,
    );
  return { core, offer, find, start };
}

describe('the accounts of a tenant', () => {
  it('are that of the environment, without any of its own', () => {
    expect(begin().find('probe')).toMatchObject({ accountName: 'default', disabledReason: null });
  });

  it('are none, if that of the environment is not for it', () => {
    expect(begin({ mayUseDefault: false }).find('probe')).toMatchObject({
      disabledReason: 'Your tenant has no account there for this.',
      settings: null,
    });
  });

  it('are chosen by channel and action, in order', () => {
    const accounts = new Map([
      [
        'probe',
        [
          { account: 'cards', uses: ['Check'] },
          { account: 'retail', uses: ['FACE_WEB'] },
        ],
      ],
    ]);
    const { find } = begin({ accounts });
    expect(find('probe')).toMatchObject({ accountName: 'retail' });
    expect(find('probe', { uses: () => ['Check'] })).toMatchObject({ accountName: 'cards' });
    expect(find('probe', { uses: () => ['Other'] })).toMatchObject({ settings: null });
  });

  it('can be named, and those of others cannot', async () => {
    const accounts = new Map([
      [
        'probe',
        [
          { account: 'retail', uses: null },
          { account: 'default', uses: null },
        ],
      ],
    ]);
    const { core, find, start } = begin({ accounts });
    expect(find('probe', { account: 'default' })).toMatchObject({ accountName: 'default' });
    const refused = { path: 'account', message: 'is no account of your tenant for this' };
    // An account of another tenant, and one that does not exist, get the same answer.
    expect(find('probe', { account: 'cards' })).toEqual(refused);
    expect(find('probe', { account: 'nobody' })).toEqual(refused);
    expect(await start({ account: 'cards' })).toMatchObject({ problem: { fields: [refused] } });
    expect(accountNames(core.deps, 'tenant-1', 'probe')).toEqual(['retail', 'default']);
  });

  it('can be named beside a route that leads elsewhere', async () => {
    const accounts = new Map([['probe', [{ account: 'retail', uses: null }]]]);
    const { start } = begin({ accounts }, new Map([['FACE_WEB', ['abroad']]]));
    const input = { provider: null, account: 'retail' };
    expect(await start(input)).toMatchObject({
      verification: { providerId: 'probe', account: 'retail' },
    });
  });

  it('are noted in what they start, and an absent account keeps the fingerprint of a key', async () => {
    const accounts = new Map([['probe', [{ account: 'retail', uses: null }]]]);
    const { core, start } = begin({ accounts });
    expect(await start({})).toMatchObject({ verification: { account: 'retail' } });
    expect(await start({ account: null })).toMatchObject({ kind: 'success', replayed: true });
    expect(await start({ account: 'retail' })).toMatchObject({
      problem: { code: 'IDEMPOTENCY_MISMATCH' },
    });
    const check = { ...cardInput('韦小宝', 'card'), provider: 'probe' };
    const checked = await checkBankCard(core.deps, callerOf(), check, core.deps.now() + 9000);
    expect(checked).toMatchObject({ check: { account: 'retail' } });
  });
});

describe('the rules of a tenant', () => {
  it.each<[string, Partial<TenantRules>]>([
    ['the providers', { providers: new Set(['abroad']) }],
    ['the jurisdictions', { jurisdictions: new Set(['INTL'] as const) }],
  ])('say %s that it may use', (_what, rules) => {
    const { find } = begin(rules);
    expect(find('probe')).toMatchObject({ disabledReason: 'Your tenant may not use it.' });
    expect(find('abroad')).toMatchObject({ disabledReason: null });
  });

  it('have a routing of their own', () => {
    const { offer } = begin(
      { routing: new Map([['FACE_WEB', ['abroad']]]) },
      new Map([['FACE_WEB', ['probe']]]),
    );
    const found = offer();
    expect('path' in found ? null : found.routing.get('FACE_WEB')).toEqual(['abroad']);
  });

  it('give a share of the users to a provider, and each user stays with one', () => {
    const { offer } = begin(
      { shares: new Map([['FACE_WEB', new Map([['abroad', 25]])]]) },
      new Map([['FACE_WEB', ['probe']]]),
    );
    const firstOf = (userId: string): string | undefined => {
      const found = offer({ userId });
      return 'path' in found ? undefined : found.routing.get('FACE_WEB')?.[0];
    };
    const users = Array.from({ length: 2000 }, (_each, at) => `user-${at}`);
    const tried = users.filter((user) => firstOf(user) === 'abroad');
    expect(tried.length).toBeGreaterThan(400);
    expect(tried.length).toBeLessThan(600);
    expect(users.filter((user) => firstOf(user) === 'abroad')).toEqual(tried);
  });

  it.each<[string, Partial<TenantRules>, object, string]>([
    ['a consent', { needsConsent: true }, {}, 'consentRef'],
    ['no clear identity', { mostIdentity: 'MASKED' }, { identity: 'FULL' }, 'identity'],
    ['no identity', { mostIdentity: 'NONE' }, { identity: 'FULL' }, 'identity'],
    [
      'origins of redirects',
      { redirectOrigins: new Set(['https://app.example']) },
      { redirectUrl: 'https://other.example/' },
      'redirectUrl',
    ],
  ])('demand %s', async (_what, rules, input, path) => {
    const { start } = begin(rules);
    expect(await start(input)).toMatchObject({
      problem: { code: 'INVALID_INPUT', fields: [{ path }] },
    });
  });

  it('keep no identity by default if none may be learnt', async () => {
    const { start } = begin({ mostIdentity: 'NONE' });
    expect(await start({})).toMatchObject({ verification: { identityLevel: 'NONE' } });
  });

  it('end the personal part of a record sooner after its end', () => {
    const now = () => 1_800_000_000_000;
    const life = (rules: Partial<TenantRules>, changes: object) =>
      lifeOf(
        { ...ended, personalUntilMs: now() + 3 * dayMs, lastCheckedAtMs: now(), ...changes },
        { now, tenants: { rulesOf: () => ({ ...openTenantRules, ...rules }) } },
      );
    expect(life({}, {})).toEqual({ seconds: 30 * 86_400, personalSeconds: 3 * 86_400 });
    const short = { retentionDays: 7, personalDays: 1 };
    expect(life(short, {})).toEqual({ seconds: 7 * 86_400, personalSeconds: 86_400 });
    // While it is pending, its session is needed.
    expect(life(short, { status: 'PENDING' })).toMatchObject({ personalSeconds: 3 * 86_400 });
  });

  it('are complete without a file', () => {
    expect(Object.values(openTenantRules)).not.toContain(undefined);
  });
});
