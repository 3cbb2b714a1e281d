import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { loadConfig } from '../../src/boot/config.ts';
import { createAccounts } from '../../src/boot/create-accounts.ts';
import { loadYamlParser } from '../../src/boot/load-yaml-parser.ts';
import type { Credentials } from '../../src/boot/read-credentials.ts';
import { BootError } from '../../src/core/boot-error.ts';
import { accountNames } from '../../src/core/tenants/offer-of.ts';
import { actionKey, quotaOf } from '../../src/core/upstream/registry.ts';

const key = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const live = {
  ...{ TENCENT_CN_SECRET_ID: 'AKIDmain', TENCENT_CN_SECRET_KEY: 'main-key' },
  ...{ ACCOUNTS_FILE: '/accounts', REDIS_URL: 'redis://127.0.0.1:1' },
  ...{ STORE_HASH_KEYS: key, STORE_ENCRYPTION_KEYS: key },
  ...{ ROUTER_SECRETS: 'the-secret-of-the-router', TRUST_IDENTITY_HEADERS: 'on' },
  ...{ PUBLIC_URL: 'https://idv.example', REDIRECT_ORIGINS: 'https://app.example' },
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Changes {
  readonly env?: Readonly<Record<string, string>>;
  readonly ask?: (path: string) => Promise<Credentials>;
  readonly tryAccount?: (name: string) => Promise<boolean | null>;
}

/** Accounts that follow a file, which a test writes to. */
async function begin(text: string, { env = {}, ask, tryAccount }: Changes = {}) {
  const files: Record<string, string> = { '/accounts': text };
  const readFile = (path: string): string => {
    const found = files[path];
    if (found === undefined) throw new Error('no such file');
    return found;
  };
  const parseYaml = await loadYamlParser(live);
  const events: (readonly [event: string, about: object])[] = [];
  const accounts = await createAccounts(
    {
      now: Date.now,
      log: { event: (_level, event, about) => void events.push([event, about]) },
      ...{ readFile, parseYaml },
      readCredentials: (source) =>
        ask && 'file' in source ? ask(source.file) : Promise.reject(new Error('no answer')),
    },
    loadConfig({ ...live, ...env }, builtInProviders, { readFile, parseYaml }),
    builtInProviders,
    () => null,
  );
  accounts.follow({
    tryAccount: async ({ accountName }) => tryAccount?.(accountName) ?? true,
    changed: async () => {},
  });
  const find = (name: string) => {
    const found = accounts.registry.find('tencent-cn', name);
    if (!found) throw new Error('the plugin is loaded');
    return found;
  };
  const namesOf = (tenant: string) => accountNames(accounts, tenant, 'tencent-cn');
  const secretIdOf = (name: string): string | undefined => {
    const { account } = Object(find(name).settings) as {
      account?: { secretId?: { reveal: () => string } };
    };
    return account?.secretId?.reveal();
  };
  const write = async (next: string, seconds = 5): Promise<void> => {
    files['/accounts'] = next;
    await vi.advanceTimersByTimeAsync(seconds * 1000);
  };
  return { accounts, files, events, find, namesOf, secretIdOf, write };
}

const keys = (id: string, more: object = {}) => ({
  SECRET_ID: `AKID${id}`,
  SECRET_KEY: 'k',
  ...more,
});
const file = (accounts: object, tenants: object = {}): string =>
  JSON.stringify({ accounts: { 'tencent-cn': accounts }, tenants });
const sts = { MERCHANT_ID: 'm', credentialSource: { file: '/sts' } };

async function linesOf(text: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const error: unknown = await begin(text, { env }).catch((thrown: unknown) => thrown);
  return error instanceof BootError ? error.lines.join('\n') : 'none';
}

describe('a changed accounts file', () => {
  const accounts = { retail: keys('retail') };
  const acme = { acme: { accounts: { 'tencent-cn': 'retail' } } };

  it('is used as a whole', async () => {
    const { namesOf, events, write } = await begin(file(accounts));
    expect(namesOf('acme')).toEqual(['default']);
    await write(file(accounts, acme));
    expect(namesOf('acme')).toEqual(['retail']);
    expect(events).toEqual([['accounts_loaded', { accounts: 1, tenants: 1 }]]);
  });

  it('is not used while it is being written: the first half of it can be a valid file', async () => {
    const whole = `accounts:\n  tencent-cn:\n    retail: { SECRET_ID: AKIDretail, SECRET_KEY: k }\ntenants:\n  acme: { accounts: { tencent-cn: retail } }\n`;
    const { namesOf, events, files, write } = await begin(whole);
    // Written anew, in pieces, for longer than a look takes.
    for (let length = 40; length < whole.length; length += 10) {
      files['/accounts'] = whole.slice(0, length);
      await vi.advanceTimersByTimeAsync(200);
      expect(namesOf('acme')).toEqual(['retail']);
    }
    await write(whole);
    expect(events).toEqual([]);
  });

  it('that shortens a retention keeps the lists by which a redaction finds older records', async () => {
    const { accounts: state, write } = await begin(file({}));
    await write(
      file({}, { acme: { retention: { days: 7 } }, globex: { retention: { days: 90 } } }),
    );
    const daysOf = (tenant: string) => {
      const { retentionDays, listedDays } = state.tenants.rulesOf(tenant);
      return { retentionDays, listedDays };
    };
    expect(daysOf('acme')).toEqual({ retentionDays: 7, listedDays: 30 });
    expect(daysOf('globex')).toEqual({ retentionDays: 90, listedDays: 90 });
  });

  it('with a mistake changes nothing, and says so once', async () => {
    const { accounts: state, namesOf, events, write } = await begin(file(accounts, acme));
    const wrong = { acme: { webhooks: { crm: { url: 'no url' } } }, globex: { colour: 'red' } };
    await write(file(accounts, wrong), 120);
    expect(namesOf('acme')).toEqual(['retail']);
    expect(state.isRefused()).toBe(true);
    const reasons = events.map(([, about]) => JSON.stringify(about)).join('\n');
    expect(reasons).toContain('tenants.acme.webhooks.crm.url');
    expect(reasons).toContain('tenants.globex');
    expect(new Set(events.map((event) => JSON.stringify(event))).size).toBe(events.length);
    await write(file(accounts, acme));
    expect(state.isRefused()).toBe(false);
  });

  it('with credentials that the provider refuses changes nothing until it accepts them', async () => {
    const answers: (boolean | null)[] = [false, false, true];
    const {
      accounts: state,
      secretIdOf,
      write,
    } = await begin(file(accounts), {
      tryAccount: async () => answers.shift() ?? true,
    });
    await write(file({ retail: keys('new') }), 35);
    expect(secretIdOf('retail')).toBe('AKIDretail');
    expect(state.isRefused()).toBe(true);
    await vi.advanceTimersByTimeAsync(35_000);
    expect(secretIdOf('retail')).toBe('AKIDnew');
    expect(state.isRefused()).toBe(false);
  });

  it('is tried again while the provider does not answer, and then used', async () => {
    let tried = 0;
    const { secretIdOf, write } = await begin(file(accounts), {
      tryAccount: async () => {
        tried += 1;
        return null;
      },
    });
    await write(file({ retail: keys('new') }), 4);
    expect(secretIdOf('retail')).toBe('AKIDretail');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(secretIdOf('retail')).toBe('AKIDnew');
    expect(tried).toBe(4);
  });

  it('is looked at again after a look that failed', async () => {
    let tried = 0;
    const { secretIdOf, write } = await begin(file(accounts), {
      tryAccount: async () => {
        tried += 1;
        if (tried === 1) throw new Error('a bug');
        return true;
      },
    });
    await write(file({ retail: keys('new') }), 10);
    expect(secretIdOf('retail')).toBe('AKIDnew');
  });
});

describe('a source of credentials', () => {
  const until = (id: string, seconds: number): Credentials => ({
    settings: keys(id),
    expiresAtMs: Date.now() + seconds * 1000,
  });

  it('is asked again before they end, and after an answer that cannot be used', async () => {
    const answers: (() => Credentials)[] = [
      () => until('one', 3600),
      () => ({ settings: { SECRET_ID: 'AKIDhalf' }, expiresAtMs: null }),
      () => until('two', 3600),
    ];
    const { secretIdOf, events } = await begin(file({ sts }), {
      ask: async () => (answers.shift() ?? (() => until('three', 3600)))(),
    });
    await vi.advanceTimersByTimeAsync(54 * 60_000);
    expect(secretIdOf('sts')).toBe('AKIDone');
    await vi.advanceTimersByTimeAsync(60_000 + 5000);
    expect(secretIdOf('sts')).toBe('AKIDone');
    expect(events.at(-1)?.[0]).toBe('credentials_not_fetched');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(secretIdOf('sts')).toBe('AKIDtwo');
  });

  it('may come back while another one is still asked at the start', async () => {
    let asked = 0;
    const beginning = begin(file({ sts, slow: { credentialSource: { file: '/slow' } } }), {
      ask: async (path) => {
        if (path === '/slow') await new Promise((resolve) => setTimeout(resolve, 15_000));
        else if ((asked += 1) === 1) throw new Error('it is down');
        return { settings: keys(path === '/slow' ? 'slow' : 'sts'), expiresAtMs: null };
      },
    });
    await vi.advanceTimersByTimeAsync(16_000);
    const { secretIdOf, events } = await beginning;
    expect([secretIdOf('sts'), secretIdOf('slow')]).toEqual(['AKIDsts', 'AKIDslow']);
    expect(events.map(([event]) => event)).toEqual(['credentials_not_fetched']);
  });

  it('that fails while its file is tried is asked again once the file is used', async () => {
    let isDown = true;
    const { find, write } = await begin(file({}), {
      ask: async (path) => {
        if (path === '/slow') {
          await new Promise((resolve) => setTimeout(resolve, 25_000));
          return { settings: keys('slow'), expiresAtMs: null };
        }
        if (isDown) throw new Error('it is down');
        return { settings: keys('sts'), expiresAtMs: null };
      },
    });
    await write(file({ sts, slow: { credentialSource: { file: '/slow' } } }), 60);
    expect(find('sts').disabledReason).toBe('Its credentials could not be fetched.');
    isDown = false;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(find('sts').disabledReason).toBeNull();
  });
});

describe('limits of accounts', () => {
  const quotas = async (accounts: Record<string, object>) => {
    const { find } = await begin(file(accounts));
    return Object.fromEntries(
      [...Object.keys(accounts), 'default'].map((name) => {
        const { key: quota, perSecond } = quotaOf(find(name), 'GetEidToken');
        return [name, [quota.replace('tencent-cn:GetEidToken:', ''), perSecond] as const];
      }),
    );
  };

  it('are each account’s own, and so are its breaker and its retries', async () => {
    const { find } = await begin(file({ one: keys('1'), two: keys('2') }));
    const names = ['one', 'two', 'default'];
    const of = (toKey: (name: string) => string): number => new Set(names.map(toKey)).size;
    expect(of((name) => quotaOf(find(name), 'GetEidToken').key)).toBe(3);
    expect(of((name) => actionKey(find(name), 'GetEidToken'))).toBe(3);
  });

  it('are shared by the same credential and along sharesLimitsWith, with the smallest number', async () => {
    const found = await quotas({
      a: keys('a', { sharesLimitsWith: 'b' }),
      b: keys('b', { sharesLimitsWith: 'c' }),
      c: keys('c', { LIMIT_GETEIDTOKEN: 50 }),
      d: keys('a', { ENDPOINT: 'https://faceid.tencentcloudapi.com' }),
      e: keys('e', { LIMIT_GETEIDTOKEN: 30 }),
      f: keys('main', { LIMIT_GETEIDTOKEN: 20 }),
    });
    for (const name of ['a', 'b', 'c', 'd']) expect(found[name]).toEqual(['@a', 50]);
    expect(found['e']).toEqual(['@e', 30]);
    // With the credential of the environment.
    expect(found['f']).toEqual(found['default']);
    expect(found['f']?.[1]).toBe(20);
  });
});

describe('the text of an accounts file', () => {
  it.each([
    ['a name', 'tenants: { 0012: { weight: 2 } }'],
    ['a long number', 'accounts: { tencent-cn: { a: { MERCHANT_ID: 10000000000000000001 } } }'],
    ['a number with a zero in front', 'accounts: { tencent-cn: { a: { MERCHANT_ID: 0012 } } }'],
    ['a list as a name', 'tenants: { ? [a] : { weight: 2 } }'],
  ])('that says something else than %s is refused', async (_what, text) => {
    expect(await linesOf(text)).toContain('must be in quotes');
  });

  it.each([
    '{"tenants":{"__proto__":{"requireConsent":true}}}',
    '{"accounts":{"tencent-cn":{"a":{"SECRET_ID":"x","SECRET_KEY":"k","__proto__":"v"}}}}',
  ])('with a name that would be left out is refused: %s', async (text) => {
    expect(await linesOf(text)).toContain('has a name that is not allowed');
  });

  it('does not show a secret that stands in the place of a name', async () => {
    const secret = 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE';
    const told = await linesOf(file({ a: { ...keys('a'), [secret]: 'SECRET_KEY' } }));
    expect(told).toContain('accounts.tencent-cn.a');
    expect(told).not.toContain(secret);
  });

  it('with a retention that a redaction could not keep to is refused', async () => {
    const env = { BANK_CARD_CACHE_SECONDS: String(5 * 86_400) };
    const text = file(
      {},
      { acme: { retention: { personalDays: 1 } }, globex: { retention: { days: 1 } } },
    );
    const told = await linesOf(text, env);
    expect(told).toContain('tenants.acme.retention.personalDays');
    expect(told).toContain('tenants.globex.retention.days');
  });
});
