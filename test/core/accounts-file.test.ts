import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { loadYamlParser } from '../../src/boot/load-yaml-parser.ts';
import { readAccountsFile } from '../../src/boot/read-accounts-file.ts';

const secrets: Readonly<Record<string, string>> = { '/secrets/key': 'a-very-secret-key\n' };

function read(given: object, routing: Readonly<Record<string, readonly string[]>> = {}) {
  const readFile = (path: string): string => {
    if (path === 'accounts.yaml') return JSON.stringify(given);
    const text = secrets[path];
    if (text === undefined) throw new Error('no such file');
    return text;
  };
  return readAccountsFile({ readFile, parseYaml: JSON.parse }, 'accounts.yaml', {
    definitions: builtInProviders,
    routing: new Map(Object.entries(routing)),
    ...{ retentionDays: 30, bankCardCacheSeconds: 86_400 },
  });
}

const retail = {
  SECRET_ID: 'AKIDretail',
  SECRET_KEY_FILE: '/secrets/key',
  MERCHANT_ID: '0NSJ',
  LIMIT_GETEIDTOKEN: 50,
};
const accounts = { 'tencent-cn': { retail } };

describe('ACCOUNTS_FILE', () => {
  it('may look like the example of docs/accounts.md', async () => {
    const docs = readFileSync(new URL('../../docs/accounts.md', import.meta.url), 'utf8');
    const [, text = ''] = /```yaml accounts\.yaml\n(.*?)```/su.exec(docs) ?? [];
    const parseYaml = await loadYamlParser({ ACCOUNTS_FILE: 'accounts.yaml' });
    const readFile = (path: string): string => (path === 'accounts.yaml' ? text : 'a-key');
    const { file, mistakes } = readAccountsFile({ readFile, parseYaml }, 'accounts.yaml', {
      ...{ definitions: builtInProviders, routing: new Map() },
      ...{ retentionDays: 30, bankCardCacheSeconds: 86_400 },
    });
    expect(mistakes).toEqual([]);
    expect([...(file.accounts.get('tencent-cn')?.keys() ?? [])]).toEqual([
      ...['retail', 'cards', 'branch'],
    ]);
  });

  it('names accounts with their settings, secrets from files and limits', () => {
    const { file, mistakes } = read({ accounts });
    expect(mistakes).toEqual([]);
    expect(file.accounts.get('tencent-cn')?.get('retail')).toEqual({
      given: { SECRET_ID: 'AKIDretail', SECRET_KEY: 'a-very-secret-key', MERCHANT_ID: '0NSJ' },
      perSecond: { GetEidToken: 50 },
      ...{ source: null, sharesLimitsWith: null },
    });
  });

  it('says which account a tenant uses for what, and by which rules', () => {
    const { file, mistakes } = read(
      {
        accounts,
        tenants: {
          acme: {
            name: 'Acme Bank',
            accounts: { 'tencent-cn': [{ account: 'retail', for: ['E_ID'] }] },
            providers: ['tencent-cn', 'oemcloud'],
            jurisdictions: ['CN'],
            shares: { FACE_WEB: { oemcloud: 10 } },
            redirectOrigins: ['https://app.acme.example'],
            ...{ weight: 2, identity: 'NONE', requireConsent: true, languages: ['en'] },
            retention: { days: 7, personalDays: 2, cardCacheSeconds: 3600 },
            limits: { user: '3/60', dailyChargeable: 100, quotaShare: 0.5 },
          },
        },
      },
      { FACE_WEB: ['oemcloud'] },
    );
    expect(mistakes).toEqual([]);
    expect(file.tenants.get('acme')).toEqual({
      displayName: 'Acme Bank',
      accounts: new Map([['tencent-cn', [{ account: 'retail', uses: ['E_ID'] }]]]),
      providers: new Set(['tencent-cn', 'oemcloud']),
      jurisdictions: new Set(['CN']),
      shares: new Map([['FACE_WEB', new Map([['oemcloud', 10]])]]),
      redirectOrigins: new Set(['https://app.acme.example']),
      ...{ weight: 2, mostIdentity: 'NONE', needsConsent: true, languages: ['en'] },
      ...{ retentionDays: 7, personalDays: 2, bankCardCacheSeconds: 3600 },
      velocity: {
        user: { most: 3, seconds: 60 },
        tenantDaily: { most: 100, seconds: 86_400 },
        tenantShare: 0.5,
      },
    });
  });

  it('takes credentials from a source instead', () => {
    const source = { url: 'http://127.0.0.1:9000/role' };
    const { file, mistakes } = read({
      accounts: { 'tencent-cn': { sts: { MERCHANT_ID: '0NSJ', credentialSource: source } } },
    });
    expect(mistakes).toEqual([]);
    expect(file.accounts.get('tencent-cn')?.get('sts')).toMatchObject({
      given: { MERCHANT_ID: '0NSJ' },
      source,
    });
  });

  it('reports every mistake at once, by its path and without a value', () => {
    const { mistakes } = read({
      accounts: {
        'tencent-cn': {
          retail: { ...retail, SECRET_KEY_FILE: '/secrets/none', LIMIT_NOTHING: 1 },
          cards: { MERCHANT_ID: 'value-1' },
          web: { ...retail, ENDPOINT: 'http://value-2.example', REGOIN: 'value-3' },
          other: { ...retail, sharesLimitsWith: 'nobody' },
        },
        nobody: { one: { KEY: 'value-4' } },
      },
      tenants: {
        acme: {
          accounts: { 'tencent-cn': [{ account: 'gone', for: ['value-5'] }] },
          providers: ['value-6'],
          routing: { FACE_WEB: ['tencent-intl', 'oemcloud'] },
          shares: { E_ID: { 'tencent-cn': 10 } },
          retention: { personalDays: 0.5 },
        },
        globex: { languages: ['value-7'] },
      },
    });
    const told = mistakes.join('\n');
    for (const path of [
      ...['accounts.tencent-cn.retail.SECRET_KEY_FILE', 'accounts.tencent-cn.retail.LIMIT_NOTHING'],
      ...['accounts.tencent-cn.cards', 'accounts.tencent-cn.web.ENDPOINT'],
      ...['accounts.tencent-cn.web.REGOIN', 'accounts.tencent-cn.other.sharesLimitsWith'],
      ...['accounts.nobody', 'tenants.acme.accounts.tencent-cn', 'tenants.acme.providers'],
      ...['tenants.acme.routing', 'tenants.acme.shares.E_ID'],
      ...['tenants.acme.retention.personalDays', 'tenants.globex.languages.0'],
    ]) {
      expect(told).toContain(`ACCOUNTS_FILE: ${path}: `);
    }
    expect(told).not.toMatch(/value-|AKIDretail/u);
  });

  it.each<[string, object, string]>([
    [
      'an unknown member',
      { tenants: { acme: { colour: 'red' } } },
      'tenants.acme: has unknown members: colour.',
    ],
    [
      'the name of the default account',
      { accounts: { 'tencent-cn': { default: retail } } },
      'accounts.tencent-cn.default: is no name.',
    ],
    [
      'a source elsewhere',
      { accounts: { 'tencent-cn': { sts: { credentialSource: { url: 'http://10.0.0.1/' } } } } },
      'accounts.tencent-cn.sts.credentialSource.url: must be the URL of a loopback address.',
    ],
    [
      'an origin with a path',
      { tenants: { acme: { redirectOrigins: ['https://a.example/x'] } } },
      'tenants.acme.redirectOrigins.0: must be an origin',
    ],
  ])('refuses %s', (_what, given, line) => {
    expect(read(given).mistakes.join('\n')).toContain(line);
  });
});
