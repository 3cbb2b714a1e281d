import type { FastifyInstance } from 'fastify';
import { createFlows } from './flows.ts';
import { registerPersonPage } from './person-page.ts';
import { createTencentCnActions } from './tencent-cn/actions.ts';
import { tencentCnScenarios } from './tencent-cn/scenarios.ts';
import { createTencentServer } from './tencent/tencent-server.ts';

export interface Sandbox {
  /** Settings of a provider, by name without its prefix, that lead to its emulation. */
  readonly settingsOf: (providerId: string) => Readonly<Record<string, string>>;
  /** The routes below /sandbox, for the main listener. */
  readonly register: (server: FastifyInstance) => void;
  readonly close: () => Promise<void>;
}

/** Of no worth anywhere: they open the emulation, which listens on loopback only. */
const tencentCnCredentials = {
  SECRET_ID: 'AKIDsandboxsandboxsandboxsandbox',
  SECRET_KEY: 'sandbox-secret-key',
  MERCHANT_ID: '0NSJ240626160443125212',
};

/**
 * Starts the emulated providers, each on a loopback port of its own: their SDKs know a host, not a
 * path, so that they work unchanged.
 */
export async function startSandbox(deps: {
  readonly now: () => number;
  readonly publicUrl: string;
}): Promise<Sandbox> {
  const flows = createFlows();
  const tencentCn = createTencentServer({
    version: '2018-03-01',
    credentials: {
      secretId: tencentCnCredentials.SECRET_ID,
      secretKey: tencentCnCredentials.SECRET_KEY,
    },
    actions: createTencentCnActions({
      flows,
      now: deps.now,
      personUrl: (token) => `${deps.publicUrl}/sandbox/person/${token}`,
    }),
    now: deps.now,
  });
  const endpoint = await tencentCn.listen({ host: '127.0.0.1', port: 0 });
  const endpoints: Readonly<Record<string, { endpoint: string; credentials: object }>> = {
    'tencent-cn': { endpoint, credentials: tencentCnCredentials },
  };

  return {
    settingsOf: (id) => {
      const known = endpoints[id];
      return known ? { ...known.credentials, ENDPOINT: known.endpoint } : {};
    },
    register: (server) => {
      server.get('/sandbox/endpoints', () => withSettingNames(endpoints));
      server.get('/sandbox/scenarios', () => tencentCnScenarios);
      registerPersonPage(server, { flows, now: deps.now });
    },
    close: () => tencentCn.close(),
  };
}

/** Names the credentials as their settings are named: `TENCENT_CN_SECRET_ID`. */
function withSettingNames(
  endpoints: Readonly<Record<string, { endpoint: string; credentials: object }>>,
): Record<string, { endpoint: string; credentials: Record<string, string> }> {
  return Object.fromEntries(
    Object.entries(endpoints).map(([id, { endpoint, credentials }]) => {
      const prefix = id.toUpperCase().replaceAll('-', '_');
      const named = Object.entries(credentials).map(([name, value]) => [
        `${prefix}_${name}`,
        value,
      ]);
      return [id, { endpoint, credentials: Object.fromEntries(named) }];
    }),
  );
}
