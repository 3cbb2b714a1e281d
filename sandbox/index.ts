import type { FastifyInstance } from 'fastify';
import { createFlows } from './flows.ts';
import { registerPersonPage } from './person-page.ts';
import { createTencentCnActions } from './tencent-cn/actions.ts';
import { tencentCnScenarios } from './tencent-cn/scenarios.ts';
import { createTencentIntlActions } from './tencent-intl/actions.ts';
import { tencentIntlScenarios } from './tencent-intl/scenarios.ts';
import { createDecryptor, type Decryptor } from './tencent/decrypt-params.ts';
import { createTencentServer, type TencentServerOptions } from './tencent/tencent-server.ts';

export interface Sandbox {
  /**
   * Settings of a provider, by name without its prefix, that lead to its emulation. Who gave an
   * encryption key wants encryption: the emulation's own key takes its place.
   */
  readonly settingsOf: (
    providerId: string,
    given: Readonly<Record<string, string>>,
  ) => Readonly<Record<string, string>>;
  /** The routes below /sandbox, for the main listener. */
  readonly register: (server: FastifyInstance) => void;
  readonly close: () => Promise<void>;
}

interface Endpoint {
  readonly endpoint: string;
  readonly credentials: object;
  readonly encryptionKey?: string;
}

const encryptionSetting = 'ENCRYPTION_PUBLIC_KEY';

/** Of no worth anywhere: they open the emulation, which listens on loopback only. */
const tencentCnCredentials = {
  SECRET_ID: 'AKIDsandboxsandboxsandboxsandbox',
  SECRET_KEY: 'sandbox-secret-key',
  MERCHANT_ID: '0NSJ240626160443125212',
};

const tencentIntlCredentials = {
  SECRET_ID: 'IKIDsandboxsandboxsandboxsandbox',
  SECRET_KEY: 'sandbox-secret-key-intl',
};

/**
 * Starts the emulated providers, each on a loopback port of its own: their SDKs know a host, not a
 * path, so that they work unchanged.
 */
export async function startSandbox(deps: {
  readonly now: () => number;
  /** How a browser reaches the main listener. */
  readonly baseUrl: string;
}): Promise<Sandbox> {
  const flows = createFlows();
  const actionDeps = {
    flows,
    now: deps.now,
    personUrl: (token: string) => `${deps.baseUrl}/sandbox/person/${token}`,
  };
  const servers: FastifyInstance[] = [];
  const listen = async (
    actions: TencentServerOptions['actions'],
    credentials: typeof tencentCnCredentials | typeof tencentIntlCredentials,
    decryptor?: Decryptor,
  ): Promise<Endpoint> => {
    const server = createTencentServer({
      version: '2018-03-01',
      credentials: { secretId: credentials.SECRET_ID, secretKey: credentials.SECRET_KEY },
      actions,
      now: deps.now,
      ...(decryptor ? { decryptor } : {}),
    });
    servers.push(server);
    const endpoint = await server.listen({ host: '127.0.0.1', port: 0 });
    return {
      endpoint,
      credentials,
      ...(decryptor ? { encryptionKey: decryptor.publicKey } : {}),
    };
  };
  const endpoints: Readonly<Record<string, Endpoint>> = {
    'tencent-cn': await listen(
      createTencentCnActions(actionDeps),
      tencentCnCredentials,
      createDecryptor(),
    ),
    'tencent-intl': await listen(createTencentIntlActions(actionDeps), tencentIntlCredentials),
  };

  return {
    settingsOf: (id, given) => {
      const known = endpoints[id];
      if (!known) return {};
      const wantsEncryption = known.encryptionKey !== undefined && given[encryptionSetting];
      return {
        ...known.credentials,
        ENDPOINT: known.endpoint,
        ...(wantsEncryption ? { [encryptionSetting]: known.encryptionKey ?? '' } : {}),
      };
    },
    register: (server) => {
      server.get('/sandbox/endpoints', () => withSettingNames(endpoints));
      server.get('/sandbox/scenarios', () => [...tencentCnScenarios, ...tencentIntlScenarios]);
      registerPersonPage(server, { flows, now: deps.now });
    },
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

/** Names the credentials as their settings are named: `TENCENT_CN_SECRET_ID`. */
function withSettingNames(
  endpoints: Readonly<Record<string, Endpoint>>,
): Record<string, { endpoint: string; credentials: Record<string, string> }> {
  return Object.fromEntries(
    Object.entries(endpoints).map(([id, { endpoint, credentials, encryptionKey }]) => {
      const prefix = id.toUpperCase().replaceAll('-', '_');
      const all = {
        ...credentials,
        ...(encryptionKey ? { [encryptionSetting]: encryptionKey } : {}),
      };
      const named = Object.entries(all).map(([name, value]) => [`${prefix}_${name}`, value]);
      return [id, { endpoint, credentials: Object.fromEntries(named) }];
    }),
  );
}
