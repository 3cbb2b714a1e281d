import type { FastifyInstance } from 'fastify';
import { createFlows } from './flows.ts';
import { createNotify } from './oemcloud/notify.ts';
import { createOemcloudServer } from './oemcloud/oemcloud-server.ts';
import { oemcloudScenarios } from './oemcloud/scenarios.ts';
import { registerPersonPage } from './person-page.ts';
import type { Scenario } from './scenario.ts';
import { createTencentCnActions } from './tencent-cn/actions.ts';
import { errorTexts as tencentCnTexts } from './tencent-cn/codes.ts';
import { createEidInfoSealer } from './tencent-cn/seal-eid-info.ts';
import { tencentCnScenarios } from './tencent-cn/scenarios.ts';
import { createTencentIntlActions } from './tencent-intl/actions.ts';
import { errorTexts as tencentIntlTexts } from './tencent-intl/codes.ts';
import { tencentIntlScenarios } from './tencent-intl/scenarios.ts';
import { algorithmOf, createDecryptor } from './tencent/decrypt-params.ts';
import { createTencentServer, type TencentServerOptions } from './tencent/tencent-server.ts';

export interface Sandbox {
  /** Settings of a provider, by name without its prefix, that point to its emulation. */
  readonly settingsOf: (providerId: string) => Readonly<Record<string, string>>;
  /** Registers the routes below /sandbox on the main listener. */
  readonly register: (server: FastifyInstance) => void;
  readonly close: () => Promise<void>;
}

export interface SandboxDeps {
  readonly now: () => number;
  /** The URL of the main listener for a browser. */
  readonly baseUrl: string;
  /** The settings that were given for a provider. Some of them select what is emulated. */
  readonly givenSettings: (providerId: string) => Readonly<Record<string, string>>;
  /** Returns the loopback URL for a URL of this service; null for any other URL. */
  readonly toLoopback: (url: string) => string | null;
  /** Providers that bring their own emulation. */
  readonly others: readonly { readonly id: string; readonly start: () => Promise<Upstream> }[];
}

/** An emulation that a plugin brings. */
interface Upstream {
  readonly settings: Readonly<Record<string, string>>;
  readonly scenarios: readonly Omit<Scenario, 'provider'>[];
  readonly close: () => Promise<void>;
}

interface Endpoint {
  readonly endpoint: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Temporary credentials that are accepted as well. */
  readonly temporary?: Readonly<Record<string, string>>;
}

/** These credentials are not secret: they work for the emulation only, which listens on loopback. */
const credentials = {
  'tencent-cn': {
    SECRET_ID: 'AKIDsandboxsandboxsandboxsandbox',
    SECRET_KEY: 'sandbox-secret-key',
    MERCHANT_ID: '0NSJ240626160443125212',
  },
  'tencent-intl': {
    SECRET_ID: 'IKIDsandboxsandboxsandboxsandbox',
    SECRET_KEY: 'sandbox-secret-key-intl',
  },
  oemcloud: { APP_CODE: 'sandboxsandboxsandboxsandbox0000' },
} as const;

/** Credentials as STS issues them: not accepted without their token. */
const temporaryCredentials = {
  SECRET_ID: 'AKIDtemporarytemporarytemporary0',
  SECRET_KEY: 'sandbox-temporary-key',
  SESSION_TOKEN: 'sandbox-session-token',
} as const;

/**
 * Starts the emulated providers, each on its own loopback port. The official SDKs can be configured with a
 * host but not with a path, so they work unchanged.
 */
export async function startSandbox(deps: SandboxDeps): Promise<Sandbox> {
  const { now } = deps;
  const flows = createFlows(now);
  const notify = createNotify(deps.toLoopback);
  const personUrl = (token: string): string => `${deps.baseUrl}/sandbox/person/${token}`;
  const actionDeps = { flows, now, personUrl };

  const servers: FastifyInstance[] = [];
  const listen = async (
    server: FastifyInstance,
    settings: Readonly<Record<string, string>>,
  ): Promise<Endpoint> => {
    servers.push(server);
    return { endpoint: await server.listen({ host: '127.0.0.1', port: 0 }), settings };
  };
  const listenAsTencent = async (
    id: 'tencent-cn' | 'tencent-intl',
    options: Pick<TencentServerOptions, 'actions' | 'decryptor' | 'errorTexts'>,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<Endpoint> => {
    const { SECRET_ID: secretId, SECRET_KEY: secretKey } = credentials[id];
    const { SECRET_ID, SECRET_KEY, SESSION_TOKEN } = temporaryCredentials;
    const server = createTencentServer({
      ...options,
      version: '2018-03-01',
      credentials: [
        { secretId, secretKey },
        { secretId: SECRET_ID, secretKey: SECRET_KEY, token: SESSION_TOKEN },
      ],
      now,
    });
    const endpoint = await listen(server, { ...credentials[id], ...settings });
    return { ...endpoint, temporary: temporaryCredentials };
  };

  const decryptor = createDecryptor();
  const eidInfo = createEidInfoSealer();
  // A rule that was given is not known to the emulation. What it needs may be given.
  const { WEB_REQUIRES: needed } = deps.givenSettings('tencent-cn');
  const webRule = { WEB_RULE_ID: '1', ...(needed ? { WEB_REQUIRES: needed } : {}) };
  // If an encryption key is given, the emulation's own key of the same algorithm replaces it.
  const { ENCRYPTION_PUBLIC_KEY: givenKey } = deps.givenSettings('tencent-cn');
  const publicKey = decryptor.publicKeys[givenKey ? algorithmOf(givenKey) : 'AES-256-CBC'];
  const encryption = givenKey ? { ENCRYPTION_PUBLIC_KEY: publicKey } : {};
  const outcome = deps.givenSettings('oemcloud')['OUTCOME'] ?? 'face';
  const { APP_CODE: appCode } = credentials.oemcloud;
  const endpoints: Record<string, Endpoint> = {
    'tencent-cn': await listenAsTencent(
      'tencent-cn',
      {
        actions: createTencentCnActions({ ...actionDeps, eidInfo, visit: notify.opened }),
        decryptor,
        errorTexts: tencentCnTexts,
      },
      { ...encryption, EID_PRIVATE_KEY: eidInfo.privateKey, ...webRule },
    ),
    'tencent-intl': await listenAsTencent('tencent-intl', {
      actions: createTencentIntlActions({ ...actionDeps, visit: notify.opened }),
      errorTexts: tencentIntlTexts,
    }),
    oemcloud: await listen(createOemcloudServer({ ...actionDeps, appCode, notify }), {
      ...credentials.oemcloud,
      OUTCOME: outcome,
    }),
  };

  const upstreams: Upstream[] = [];
  const scenarios: Scenario[] = [];
  const close = async (): Promise<void> => {
    await notify.close();
    await Promise.all(servers.map((server) => server.close()));
    // Does not wait longer for a plugin's emulation that does not stop.
    const ending = Promise.allSettled(upstreams.map((upstream) => upstream.close()));
    await Promise.race([ending, new Promise((resolve) => setTimeout(resolve, 2000).unref())]);
  };
  try {
    for (const { id, start } of deps.others) {
      const upstream = await start();
      upstreams.push(upstream);
      const { ENDPOINT: endpoint = '', ...settings } = upstream.settings;
      endpoints[id] = { endpoint, settings };
      scenarios.push(...upstream.scenarios.map((each) => ({ provider: id, ...each })));
    }
  } catch (error) {
    await close();
    throw error;
  }

  return {
    settingsOf: (id) => {
      const known = Object.hasOwn(endpoints, id) ? endpoints[id] : undefined;
      if (!known) return {};
      // Replicas share one emulation: an ENDPOINT that was given selects another replica's.
      const given = Object.entries(deps.givenSettings(id)).filter(([name]) =>
        /^(?:.+_)?ENDPOINT$/u.test(name),
      );
      return { ...known.settings, ENDPOINT: known.endpoint, ...Object.fromEntries(given) };
    },
    register: (server) => {
      server.get('/sandbox/endpoints', () => withSettingNames(endpoints, publicKey));
      server.get('/sandbox/scenarios', () => [
        ...tencentCnScenarios,
        ...tencentIntlScenarios,
        ...oemcloudScenarios(outcome),
        ...scenarios,
      ]);
      registerPersonPage(server, flows);
    },
    close,
  };
}

/** Names the credentials like their settings: `TENCENT_CN_SECRET_ID`. */
function withSettingNames(
  endpoints: Readonly<Record<string, Endpoint>>,
  publicKey: string,
): Record<string, object> {
  return Object.fromEntries(
    Object.entries(endpoints).map(([id, { endpoint, settings, temporary }]) => {
      const prefix = id.toUpperCase().replaceAll('-', '_');
      const named = (values: Readonly<Record<string, string>>): Record<string, string> =>
        Object.fromEntries(
          Object.entries(values).map(([name, value]) => [`${prefix}_${name}`, value]),
        );
      const key = id === 'tencent-cn' ? { ENCRYPTION_PUBLIC_KEY: publicKey } : {};
      return [
        id,
        {
          endpoint,
          credentials: named({ ...settings, ...key }),
          ...(temporary ? { temporaryCredentials: named(temporary) } : {}),
        },
      ];
    }),
  );
}
