import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { loadConfig } from '../../src/boot/config.ts';
import { readSettings } from '../../src/boot/read-settings.ts';
import { settingRows } from '../../src/boot/settings.ts';
import { allowedCallback } from '../../src/core/allowed-callback.ts';
import { BootError } from '../../src/core/boot-error.ts';

function linesOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env, builtInProviders);
  } catch (error) {
    if (error instanceof BootError) return error.lines;
    throw error;
  }
  return [];
}

describe('settings', () => {
  it('are all optional: without any, the sandbox listens on loopback', () => {
    const config = loadConfig({}, builtInProviders);
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 4001,
      publicPort: 4001,
      publicUrl: 'http://localhost:4001',
      sandbox: true,
      graphiql: true,
      checksums: 'off',
      retentionDays: 30,
    });
  });

  it('are all reported in one error, by name and without their values', () => {
    const lines = linesOf({
      PORT: 'CANARY-1',
      GRAPHIQL: 'CANARY-2',
      PUBLIC_URL: 'CANARY-3',
      REDIRECT_ORIGINS: 'https://app.example/CANARY-4',
      STORE_HASH_KEYS: 'k1:CANARY5',
      PROVIDERS_OFF: 'CANARY-6',
      TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION: 'CANARY-7',
      TENCENT_CN_LIMIT_NOTHING: '5',
      INPUT_CHECKSUMS: 'CANARY-8',
    });
    expect(
      lines.map((line) => line.split(' ')[0]).toSorted((a = '', b = '') => a.localeCompare(b)),
    ).toEqual([
      'GRAPHIQL',
      'INPUT_CHECKSUMS',
      'PORT',
      'PROVIDERS_OFF',
      'PUBLIC_URL',
      'REDIRECT_ORIGINS',
      'STORE_HASH_KEYS',
      'TENCENT_CN_LIMIT_BANKCARD4EVERIFICATION',
      'TENCENT_CN_LIMIT_NOTHING',
    ]);
    expect(lines.join('\n')).not.toContain('CANARY');
  });

  it('of a provider are reported by their full names', () => {
    expect(
      linesOf({
        TENCENT_CN_REGION: 'ap-guangzhu',
        TENCENT_CN_NOTHING: 'CANARY',
        PUBLIC_URL: 'https://h/?CANARY',
      }),
    ).toEqual([
      'PUBLIC_URL must have no login, no query and no fragment.',
      'TENCENT_CN_REGION must be one of ap-beijing, ap-chengdu, ap-guangzhou, ap-shanghai.',
      'TENCENT_CN_NOTHING is not a setting of tencent-cn.',
    ]);
    expect(linesOf({ TENCENT_CN_SESSION_TOKEN: 'CANARY' }).slice(0, 2)).toEqual([
      'TENCENT_CN_SECRET_ID is needed.',
      'TENCENT_CN_SECRET_KEY is needed.',
    ]);
  });

  it('of a provider are all required once one credential is set', () => {
    expect(linesOf({ OEMCLOUD_APP_CODE: 'CANARY' })[0]).toBe('OEMCLOUD_OUTCOME is needed.');
    expect(linesOf({ OEMCLOUD_OUTCOME: 'outline' })).toEqual([]);
  });

  const key = Buffer.alloc(32, 1).toString('base64');
  const credentials = { TENCENT_CN_SECRET_ID: 'CANARY', TENCENT_CN_SECRET_KEY: 'CANARY' };
  const live = {
    ...credentials,
    REDIS_URL: 'redis://localhost:6379',
    STORE_HASH_KEYS: `h1:${key}`,
    STORE_ENCRYPTION_KEYS: `e1:${key}`,
    ROUTER_SECRETS: 'a-secret-of-the-router',
    TRUST_IDENTITY_HEADERS: 'on',
    PUBLIC_URL: 'https://idv.example',
    REDIRECT_ORIGINS: 'https://app.example',
  };

  it('require Redis and authenticated callers when credentials are set', () => {
    expect(linesOf(credentials).map((line) => line.split(' ')[0])).toEqual([
      'PUBLIC_URL',
      'REDIS_URL',
      'STORE_ENCRYPTION_KEYS',
      'STORE_HASH_KEYS',
      'ROUTER_SECRETS',
      'REDIRECT_ORIGINS',
      'JWT_JWKS_URL',
    ]);
    const wrong = linesOf({ ...live, SANDBOX: 'on' });
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain('Unset TENCENT_CN_SECRET_ID, TENCENT_CN_SECRET_KEY');
    expect(wrong[0]).not.toContain('CANARY');
    expect(linesOf({ SANDBOX: 'off' })).toEqual([
      'SANDBOX=off needs the credentials of a provider.',
    ]);
  });

  it('have the defaults of a live service when credentials are set', () => {
    expect(loadConfig(live, builtInProviders)).toMatchObject({
      sandbox: false,
      graphiql: false,
      checksums: 'warn',
      port: 4001,
      publicPort: 4002,
    });
    expect(linesOf({ ...live, TENCENT_CN_ENDPOINT: 'http://faceid.example' })).toEqual([
      'TENCENT_CN_ENDPOINT must be https: personal data is sent there.',
    ]);
    for (const endpoint of ['https://faceid.example', 'http://127.0.0.1:1', 'http://localhost:1']) {
      expect(linesOf({ ...live, TENCENT_CN_ENDPOINT: endpoint })).toEqual([]);
    }
  });

  it.each([
    ['TENANT_DAILY_CHARGABLE', 'TENANT_DAILY_CHARGEABLE'],
    ['VELOCITY_CRAD', 'VELOCITY_CARD'],
    ['VELOCITY_ID_NUMBER', 'VELOCITY_ID'],
    ['REDIS_ULR', 'REDIS_URL'],
    ['PUBLC_URL', 'PUBLIC_URL'],
    ['SANDBX', 'SANDBOX'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['store_hash_keys', 'STORE_HASH_KEYS'],
    ['STORE_KEYS', 'STORE_ENCRYPTION_KEYS, STORE_HASH_KEYS, or STORE_ALLOW_EVICTION'],
    ['TENANT_DAILY', 'TENANT_DAILY_CHARGEABLE'],
    ['TNEANT_DAILY_CHARGABLE', 'TENANT_DAILY_CHARGEABLE'],
    ['VLEOCITY_CRAD', 'VELOCITY_CARD'],
    ['CARD_VELOCITY', 'VELOCITY_CARD'],
    ['BNAK_CARD_CACHE_SECOND', 'BANK_CARD_CACHE_SECONDS'],
    ['STOER_HASH_KEY', 'STORE_HASH_KEYS'],
    ['TENANT_DAILY_LIMIT', 'TENANT_DAILY_CHARGEABLE'],
    ['tenant_daily_limit', 'TENANT_DAILY_CHARGEABLE'],
    ['VELOCITY', 'VELOCITY_USER, VELOCITY_CARD, or VELOCITY_ID'],
    ['VELOCITY_PHONE', 'VELOCITY_USER, VELOCITY_CARD, or VELOCITY_ID'],
    ['velocity_card_file', 'VELOCITY_CARD'],
    ['SHUTDOWN_DELAY', 'SHUTDOWN_DELAY_MS'],
    ['SHUTDOWN_TIMEOUT_MS', 'SHUTDOWN_DELAY_MS'],
    ['GRAPHIQL_ENABLED', 'GRAPHIQL'],
    ['SANDBOX_MODE', 'SANDBOX'],
    ['CORS_ALLOWED_ORIGINS', 'CORS_ORIGINS'],
    ['NODE_USE_PROXY', 'NODE_USE_ENV_PROXY'],
    ['HTTPS_PROXY_URL', 'HTTPS_PROXY'],
    ['REDIS_TLS', 'REDIS_TLS_CA, REDIS_TLS_CERT, REDIS_TLS_KEY, or REDIS_TLS_SERVER_NAME'],
    ['REDIRECT_URLS', 'REDIRECT_ORIGINS'],
    ['TRUST_HEADERS', 'TRUST_IDENTITY_HEADERS'],
    ['TENCENT_SECRET_ID', 'TENCENT_CN_SECRET_ID'],
    ['TENCENT_SECRET_ID_FILE', 'TENCENT_CN_SECRET_ID'],
    ['TENCNET_CN_SECRET_KEY', 'TENCENT_CN_SECRET_KEY'],
    ['TENCENT_INT_SECRET_ID', 'TENCENT_INTL_SECRET_ID'],
    ['TENCENT_CN-SECRET_ID', 'TENCENT_CN_SECRET_ID'],
    ['tencent_cn_secret_id', 'TENCENT_CN_SECRET_ID'],
    ['OEM_CLOUD_APP_CODE', 'OEMCLOUD_APP_CODE'],
    ['TENCNET_CN_LIMIT_GETEIDTOKEN', 'TENCENT_CN_LIMIT_GETEIDTOKEN'],
  ])('stop the boot if they are misspelt: %s', (name, meant) => {
    expect(linesOf({ [name]: 'CANARY' })).toEqual([
      `${name} is not a setting. Did you mean ${meant}?`,
    ]);
  });

  it('say what a misspelt setting of a provider should be called', () => {
    expect(linesOf({ TENCENT_CN_SECERT_ID: 'x', TENCENT_CN_ENDPIONT: 'x' })).toEqual([
      'TENCENT_CN_SECERT_ID is not a setting of tencent-cn. Did you mean TENCENT_CN_SECRET_ID?',
      'TENCENT_CN_ENDPIONT is not a setting of tencent-cn. Did you mean TENCENT_CN_ENDPOINT?',
    ]);
  });

  it('refuse certificates and passwords that the form of REDIS_URL would not use', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    const unused = { REDIS_TLS_CA: pem, REDIS_SENTINEL_PASSWORD: 'CANARY' };
    expect(linesOf({ ...live, ...unused, REDIS_URL: 'redis://localhost:6379' })).toEqual([
      'REDIS_TLS_CA needs rediss in REDIS_URL.',
      'REDIS_SENTINEL_PASSWORD needs +sentinel in REDIS_URL.',
    ]);
    expect(linesOf({ ...live, ...unused, REDIS_URL: 'rediss+sentinel://localhost/main' })).toEqual(
      [],
    );
  });

  it('name at least one origin, and a port for browsers that exists', () => {
    expect(linesOf({ ...live, REDIRECT_ORIGINS: ' ; ' })).toEqual([
      'REDIRECT_ORIGINS must name an origin, such as https://app.example.com.',
    ]);
    expect(linesOf({ ...live, PORT: '65535' })).toEqual([
      'PUBLIC_PORT is needed with PORT=65535: the next one is no port.',
    ]);
  });

  it('ignore the variables of other software', () => {
    const others = ['HOSTNAME', 'HOME', 'PATH', 'PWD', 'NODE_ENV', 'NODE_OPTIONS', 'LANG', 'TZ'];
    const more = ['HTTP_PROXY', 'KUBERNETES_PORT', 'OTEL_SERVICE_NAME', 'npm_config_cache'];
    const innocent = [
      ...[
        'POST',
        'PUBLIC_IP',
        'REDIS_HOME',
        'REDIS_HOST',
        'REDIS_TLS_URL',
        'FTP_PROXY',
        'ftp_proxy',
      ],
      ...[
        'GOPROXY',
        'ALL_PROXY',
        'TENANT_ID',
        'STORE_ID',
        'TRUST_STORE',
        'JWT_SECRET',
        'INPUT_NAME',
      ],
      ...['VERIFICATION_SUBGRAPH_VERSION', 'TENCENTCLOUD_SECRET_ID', 'SERVER_NAME', 'TLS_CERT'],
    ];
    for (const name of [...others, ...more, ...innocent]) {
      expect(linesOf({ [name]: 'x' }), name).toEqual([]);
    }
  });

  it('use the proxies of the environment only when asked, in both spellings', () => {
    const others = { HTTPS_PROXY: 'socks5://CANARY:1080', http_proxy: 'no url', no_proxy: '*' };
    expect(loadConfig(others, builtInProviders).proxy).toBeNull();
    const { proxy } = loadConfig(
      { ...others, NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: 'http://p:1', http_proxy: 'http://q:2' },
      builtInProviders,
    );
    expect([proxy?.httpsProxy?.reveal(), proxy?.httpProxy?.reveal(), proxy?.noProxy]).toEqual([
      ...['http://p:1', 'http://q:2', '*'],
    ]);
    expect(linesOf({ NODE_USE_ENV_PROXY: '1' })).toEqual([
      'NODE_USE_ENV_PROXY needs HTTPS_PROXY or HTTP_PROXY.',
    ]);
    const wrong = [
      'HTTPS_PROXY must be the URL of a proxy, such as http://proxy.example.com:3128.',
      'HTTP_PROXY must be the URL of a proxy, such as http://proxy.example.com:3128.',
    ];
    expect(linesOf({ ...others, NODE_USE_ENV_PROXY: '1' })).toEqual(wrong);
    expect(linesOf({ ...others, NODE_USE_ENV_PROXY: 'yes' })).toEqual([
      'NODE_USE_ENV_PROXY must be 1 or 0.',
      ...wrong,
    ]);
  });

  it('take CORS_ORIGINS in the sandbox only, as whole origins', () => {
    const env = { CORS_ORIGINS: 'http://localhost:3000, https://app.example' };
    expect(loadConfig(env, builtInProviders).corsOrigins).toEqual([
      ...['http://localhost:3000', 'https://app.example'],
    ]);
    for (const wrong of ['*', 'app.example', 'https://app.example/']) {
      expect(linesOf({ CORS_ORIGINS: wrong })).toEqual([
        'CORS_ORIGINS must be origin,… such as https://app.example.com.',
      ]);
    }
    expect(linesOf({ ...credentials, ...env }).join('\n')).toContain('CORS_ORIGINS is for the');
  });

  it('ignore what Kubernetes sets for each Service, whatever its name', () => {
    for (const service of ['OEMCLOUD', 'TENCENT_CN', 'PUBLIC', 'STORE', 'REDIS', 'JWT']) {
      const variables = {
        [`${service}_SERVICE_HOST`]: '10.0.48.109',
        [`${service}_SERVICE_PORT`]: '443',
        [`${service}_SERVICE_PORT_HTTPS`]: '443',
        [`${service}_PORT`]: 'tcp://10.0.48.109:443',
        [`${service}_PORT_443_TCP`]: 'tcp://10.0.48.109:443',
        [`${service}_PORT_443_TCP_PROTO`]: 'tcp',
        [`${service}_PORT_443_TCP_PORT`]: '443',
        [`${service}_PORT_443_TCP_ADDR`]: 'fd00::1',
      };
      expect(linesOf(variables), service).toEqual([]);
    }
    expect(linesOf({ PUBLIC_PORT: 'CANARY' })).toEqual(['PUBLIC_PORT must be a port.']);
    expect(linesOf({ OEMCLOUD_PORT: '443' })).toEqual([
      'OEMCLOUD_PORT is not a setting of oemcloud.',
    ]);
  });

  it('name every mistake at once: a wrong value hides no missing one', () => {
    const { REDIS_URL: _url, ROUTER_SECRETS: _secrets, ...rest } = live;
    expect(linesOf({ ...rest, PORT: 'CANARY', LIMIT_GUARD_MS: '-1', ROUTING: 'A=nobody' })).toEqual(
      [
        'PORT must be a port.',
        'LIMIT_GUARD_MS must not be negative.',
        expect.stringMatching(/^REDIS_URL is needed with credentials/u),
        expect.stringMatching(/^ROUTER_SECRETS is needed with credentials/u),
        expect.stringContaining('ROUTING'),
      ],
    );
  });

  it('may be in files, of the service and of providers', () => {
    const files: Readonly<Record<string, string>> = {
      '/run/url': `${live.REDIS_URL}\n`,
      '/run/key': 'a-key-from-a-file\r\n',
      '/run/empty': '\n',
    };
    const readFile = (path: string): string => {
      const text = files[path];
      if (text === undefined) throw new Error('ENOENT');
      return text;
    };
    const linesWith = (env: Readonly<Record<string, string>>): readonly string[] => {
      try {
        loadConfig(env, builtInProviders, { readFile });
        return [];
      } catch (error) {
        if (error instanceof BootError) return error.lines;
        throw error;
      }
    };
    const { REDIS_URL: _url, TENCENT_CN_SECRET_KEY: _key, ...rest } = live;
    const env = { ...rest, REDIS_URL_FILE: '/run/url', TENCENT_CN_SECRET_KEY_FILE: '/run/key' };
    const config = loadConfig(env, builtInProviders, { readFile });
    expect(config.redis?.url.reveal()).toBe(live.REDIS_URL);
    expect(config.providers.get('tencent-cn')?.given['SECRET_KEY']).toBe('a-key-from-a-file');

    expect(linesWith({ ...live, REDIS_URL_FILE: '/run/url' })).toEqual([
      'REDIS_URL and REDIS_URL_FILE exclude each other.',
    ]);
    expect(linesWith({ ...env, REDIS_URL_FILE: '/CANARY' })).toEqual([
      'REDIS_URL_FILE must name a file that can be read.',
    ]);
    expect(linesWith({ ...env, REDIS_URL_FILE: '/run/empty' })).toContain(
      'REDIS_URL_FILE names a file that is empty.',
    );
    expect(linesWith({ ...live, TENCENT_CN_SECRET_KY_FILE: '/run/key' })).toEqual([
      'TENCENT_CN_SECRET_KY is not a setting of tencent-cn. Did you mean TENCENT_CN_SECRET_KEY?',
    ]);
  });

  it('take callback URLs of routers by host, suffix or network, and nothing else', () => {
    const rulesOf = (text: string) =>
      loadConfig({ SUBSCRIPTION_CALLBACK_URLS: text }, builtInProviders).callbackRules;
    const allows = (text: string, url: string): boolean =>
      allowedCallback(rulesOf(text), url) !== null;
    expect(rulesOf('')).toEqual([]);
    const suffix = 'http://*.router.svc:4040/callback/';
    expect(allows(suffix, 'http://pod-1.router.svc:4040/callback/a-1')).toBe(true);
    expect(allows(suffix, 'http://router.svc:4040/callback/a-1')).toBe(false);
    expect(allows(suffix, 'http://.router.svc:4040/callback/a-1')).toBe(false);
    expect(allows(suffix, 'http://evil.example/router.svc:4040/callback/a-1')).toBe(false);
    const network = 'http://10.0.0.0/8:4040/callback,https://[fd00::]/8:4040';
    expect(allows(network, 'http://10.1.2.3:4040/callback/a')).toBe(true);
    expect(allows(network, 'http://11.1.2.3:4040/callback/a')).toBe(false);
    expect(allows(network, 'http://10.1.2.3:4041/callback/a')).toBe(false);
    expect(allows(network, 'http://pod.internal:4040/callback/a')).toBe(false);
    expect(allows(network, 'https://[fd12::1]:4040/a')).toBe(true);
    expect(allows('https://router.example/callback', 'https://router.example:443/callback/a')).toBe(
      true,
    );
    for (const wrong of [
      ...[
        'router.example',
        'ftp://h/callback',
        'http://',
        'http://h/a?b',
        'http://u@h/',
        'http://*',
      ],
      ...[
        'http://10.0.0.0/33:4040/callback',
        'http://h/8:4040/x',
        'http://*.a/8:4040',
        ...['http://10.0.0.0/8/callback', 'http://10.0.0.0/8', 'http://*.', 'http://*..a/x'],
        'http://h:99999/',
      ],
    ]) {
      expect(linesOf({ SUBSCRIPTION_CALLBACK_URLS: `http://ok/c,${wrong}` }), wrong).toEqual([
        expect.stringMatching(/^SUBSCRIPTION_CALLBACK_URLS must be url,… such as /u),
      ]);
    }
  });

  it('take the webhooks of tenants from the accounts file, each with its tenant', () => {
    const hook = { url: 'https://crm.example/hook', secretFile: '/run/secret' };
    const files: Readonly<Record<string, string>> = {
      '/run/hooks': JSON.stringify({ endpoints: { all: { ...hook, tenant: '*' } } }),
      '/run/accounts': JSON.stringify({
        tenants: { acme: { webhooks: { crm: hook } }, globex: { webhooks: { erp: hook } } },
      }),
      '/run/secret': `whsec_${Buffer.alloc(32, 3).toString('base64')}\n`,
    };
    const readFile = (path: string): string => files[path] ?? '';
    const env = { ...live, WEBHOOKS_FILE: '/run/hooks', ACCOUNTS_FILE: '/run/accounts' };
    const { webhooks } = loadConfig(env, builtInProviders, { readFile });
    expect(webhooks.map(({ id, tenantId }) => [id, tenantId])).toEqual([
      ['all', '*'],
      ['crm', 'acme'],
      ['erp', 'globex'],
    ]);
    // Metrics and commands name an endpoint by its name alone.
    const twice = files['/run/accounts']?.replace('erp', 'crm') ?? '';
    expect(() =>
      loadConfig(env, builtInProviders, {
        readFile: (path) => (path === '/run/accounts' ? twice : readFile(path)),
      }),
    ).toThrow('two webhooks are named crm');
  });

  it('report each mistake in the file of webhooks, by its path and without its value', () => {
    const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
    const files = (endpoints: unknown): Readonly<Record<string, string>> => ({
      '/run/hooks': JSON.stringify({ endpoints }),
      '/run/secret': `${secret}\n`,
      '/run/bad': 'whsec_CANARY',
    });
    const linesWith = (
      endpoints: unknown,
      more: Record<string, string> = {},
    ): readonly string[] => {
      const readFile = (path: string): string => {
        const text = files(endpoints)[path];
        if (text === undefined) throw new Error('ENOENT');
        return text;
      };
      try {
        const env = { ...live, WEBHOOKS_FILE: '/run/hooks', ...more };
        loadConfig(env, builtInProviders, { readFile });
        return [];
      } catch (error) {
        if (error instanceof BootError) return error.lines;
        throw error;
      }
    };
    const good = { tenant: 'acme', url: 'https://crm.example/hook', secretFile: '/run/secret' };
    expect(linesWith({ crm: good })).toEqual([]);
    const wrong = {
      'NOT A NAME': good,
      one: { ...good, url: 'http://crm.example/CANARY' },
      two: { ...good, url: 'https://crm.example:9999/CANARY', kinds: ['CANARY'] },
      three: { ...good, url: 'https://user:CANARY@crm.example/', privateNetworks: ['CANARY'] },
      four: { ...good, tenant: '', more: 'CANARY' },
    };
    const lines = linesWith(wrong);
    expect(lines.join(' ')).not.toContain('CANARY');
    expect(lines).toHaveLength(8);
    for (const path of [
      'one.url',
      'two.url',
      'two.kinds.0',
      'three.url',
      'three.privateNetworks.0',
      'four.tenant',
    ]) {
      expect(lines).toContainEqual(expect.stringContaining(`WEBHOOKS_FILE: endpoints.${path}: `));
    }
    expect(linesWith({ crm: { ...good, secretFile: '/run/bad' } })).toEqual([
      expect.stringMatching(
        /^WEBHOOKS_FILE: endpoints\.crm\.secretFile: must name a file with secrets/u,
      ),
    ]);
    expect(linesWith({ crm: good }, { WEBHOOKS_FILE: '/run/CANARY' })).toEqual([
      'WEBHOOKS_FILE must name a file with YAML or JSON.',
    ]);
    expect(linesOf({ WEBHOOKS_FILE: '/run/hooks' })).toContainEqual(
      expect.stringContaining('REDIS_URL is needed with WEBHOOKS_FILE'),
    );
  });

  it('accept only loopback endpoints in the sandbox', () => {
    expect(linesOf({ TENCENT_CN_ENDPOINT: 'https://faceid.tencentcloudapi.com' })).toEqual([
      'TENCENT_CN_ENDPOINT must be a loopback address in the sandbox.',
    ]);
    for (const host of ['127.0.0.1:1', 'localhost:1', '[::1]:1']) {
      expect(linesOf({ TENCENT_CN_ENDPOINT: `http://${host}` })).toEqual([]);
    }
    expect(linesOf({ TENCENT_CN_ENDPOINT: 'http://127.0.0.1.example' })).toHaveLength(1);
  });

  it('require long ROUTER_SECRETS and TRUST_IDENTITY_HEADERS', () => {
    expect(linesOf({ ROUTER_SECRETS: 'CANARY' })[0]).toContain('at least 16 characters');
    expect(linesOf({ ROUTER_SECRETS: 'a-secret-of-the-router' })[0]).toContain(
      'TRUST_IDENTITY_HEADERS=on',
    );
  });

  it('require JWT_JWKS_URL, JWT_ISSUER and JWT_AUDIENCE together', () => {
    const secrets = { ROUTER_SECRETS: 'a-secret-of-the-router' };
    expect(linesOf({ JWT_ISSUER: 'CANARY' })).toEqual([
      'JWT_JWKS_URL is needed with JWT_ISSUER: tokens cannot be verified without keys.',
      'JWT_AUDIENCE is needed with JWT_ISSUER: the same keys sign tokens for other services.',
    ]);
    const url = { ...secrets, JWT_JWKS_URL: 'https://id.probe.example/keys' };
    const lines = linesOf(url);
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'JWT_ISSUER is needed with JWT_JWKS_URL',
      'JWT_AUDIENCE is needed with JWT_JWKS_URL',
    ]);
    const whole = { ...url, JWT_ISSUER: 'https://id.probe.example', JWT_AUDIENCE: 'graph' };
    expect(linesOf(whole)).toEqual([]);
    expect(linesOf({ ...whole, JWT_JWKS_URL: 'http://id.probe.example/CANARY' })).toEqual([
      'JWT_JWKS_URL must be https.',
    ]);
    for (const [name, value] of [
      ['JWT_AUDIENCE', ' , '],
      ['JWT_ISSUER', '  '],
      ['JWT_JWKS_URL', 'https://a:CANARY@id.probe.example/keys'],
      ['JWT_CLAIMS', 'a,a,a'],
    ] as const) {
      const [line, ...more] = linesOf({ ...whole, [name]: value });
      expect(line).toContain(name);
      expect(more).toEqual([]);
    }
    const { ROUTER_SECRETS: _secrets, ...open } = whole;
    expect(linesOf({ ...open, TRUST_IDENTITY_HEADERS: 'on' })).toEqual([
      'TRUST_IDENTITY_HEADERS needs ROUTER_SECRETS: without it, anyone can send the headers.',
    ]);
    for (const good of [
      'tenant=org,user=sub,scopes=scp',
      'org, sub, scp',
      'user=a=b,tenant=https://x/y,scopes=z',
    ]) {
      expect(linesOf({ ...whole, JWT_CLAIMS: good })).toEqual([]);
    }
    for (const wrong of [
      'CANARY',
      'tenant=a,user=b',
      'tenant=a,tenant=b,scopes=c',
      'a,b,c,d',
      'a,user=b,c',
    ]) {
      expect(linesOf({ ...whole, JWT_CLAIMS: wrong })).toEqual([
        'JWT_CLAIMS must be tenant=…,user=…,scopes=… with the names of your claims.',
      ]);
    }
  });

  it('require different ports for the router and for browsers when credentials are set', () => {
    expect(linesOf({ ...live, PUBLIC_PORT: '4001' })).toEqual([
      'PUBLIC_PORT must differ from PORT: browsers must not reach the port of the router.',
    ]);
    expect(linesOf({ PUBLIC_PORT: '4001' })).toEqual([]);
  });

  it('reject a bank card cache that outlives the retention of records', () => {
    const days = { BANK_CARD_CACHE_SECONDS: '172800', VERIFICATION_RETENTION_DAYS: '1' };
    expect(linesOf(days)).toEqual([
      'BANK_CARD_CACHE_SECONDS must not be longer than VERIFICATION_RETENTION_DAYS.',
    ]);
  });

  it('require STORE_HASH_KEYS and STORE_ENCRYPTION_KEYS with REDIS_URL', () => {
    const env = { REDIS_URL: 'redis://:CANARY@localhost:6379' };
    const lines = linesOf(env);
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'STORE_ENCRYPTION_KEYS is needed with REDIS_URL',
      'STORE_HASH_KEYS is needed with REDIS_URL',
    ]);
    expect(lines.join()).not.toContain('CANARY');
    const good = { ...env, STORE_HASH_KEYS: `h1:${key}`, STORE_ENCRYPTION_KEYS: `e1:${key}` };
    expect(linesOf(good)).toEqual([]);
    expect(linesOf({ ...good, REDIS_URL: 'http://CANARY' })).toEqual([
      expect.stringMatching(/^REDIS_URL must be redis:/u),
    ]);
  });

  it('strip trailing slashes from PUBLIC_URL in linear time', () => {
    const slashes = (text: string) =>
      loadConfig({ PUBLIC_URL: `https://idv.example/${text}` }, builtInProviders).publicUrl;
    expect(slashes('a///')).toBe('https://idv.example/a');
    // A regular expression took minutes for this input.
    expect(slashes(`${'/'.repeat(200_000)}a`)).toHaveLength(21 + 200_000);
  });

  it('are sealed where the table calls them secret', () => {
    const samples: Readonly<Record<string, string>> = {
      REDIS_URL: 'redis://:CANARY@localhost:6379',
      STORE_ENCRYPTION_KEYS: `e1:${key}`,
      STORE_HASH_KEYS: `h1:${key}`,
      ROUTER_SECRETS: 'CANARY-of-the-router',
      HTTPS_PROXY: 'http://user:CANARY@proxy:3128',
      HTTP_PROXY: 'http://user:CANARY@proxy:3128',
      REDIS_SENTINEL_PASSWORD: 'CANARY-of-the-sentinels',
      REDIS_TLS_KEY: '-----BEGIN PRIVATE KEY-----CANARY',
    };
    const secret = settingRows.filter(([, { isSecret }]) => isSecret).map(([name]) => name);
    expect(secret.toSorted()).toEqual(Object.keys(samples).toSorted());
    const { values } = readSettings(samples, []);
    const printed = inspect(values, { depth: 10 });
    expect(printed).toContain('ROUTER_SECRETS');
    expect(printed).not.toContain('CANARY');
    expect(printed).not.toContain(key);
  });

  it('treat an empty variable as not set', () => {
    expect(linesOf({ PORT: '', TENCENT_CN_SECRET_ID: '' })).toEqual([]);
  });

  it('set the rate limit of a provider’s action', () => {
    const config = loadConfig({ TENCENT_CN_LIMIT_GETEIDTOKEN: '7.5' }, builtInProviders);
    expect(config.providers.get('tencent-cn')?.perSecond).toEqual({ GetEidToken: 7.5 });
  });

  it('hold several 256-bit keys, of which the first one is in use', () => {
    const config = loadConfig({ STORE_HASH_KEYS: `new:${key},old:${key}` }, builtInProviders);
    expect(config.hashKeys.map(({ kid }) => kid)).toEqual(['new', 'old']);
    expect(JSON.stringify(config.hashKeys)).not.toContain(key);
  });

  it('list redirect origins for all tenants or for each tenant', () => {
    const all = loadConfig(
      { REDIRECT_ORIGINS: 'https://a.example, https://b.example' },
      builtInProviders,
    );
    expect([...(all.redirectOrigins?.get('*') ?? [])]).toEqual([
      'https://a.example',
      'https://b.example',
    ]);
    const each = loadConfig(
      { REDIRECT_ORIGINS: 't1=https://a.example;t2=https://b.example' },
      builtInProviders,
    );
    expect([...(each.redirectOrigins?.get('t2') ?? [])]).toEqual(['https://b.example']);
  });
});
