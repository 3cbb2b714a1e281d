import { createHash, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { DestinationStream } from 'pino';
import { startSandbox, type Sandbox, type SandboxDeps } from '../sandbox/index.ts';
import { loadConfig, parseProviderSettings, settingNames, type Config } from './boot/config.ts';
import {
  ProviderFault,
  type AnyProvider,
  type SandboxContext,
  type SandboxUpstream,
} from './contract/index.ts';
import type { Log } from './ports/index.ts';
import { BootError } from './core/boot-error.ts';
import { withTimeout } from './core/with-timeout.ts';
import { createAccessTokens } from './core/upstream/access-tokens.ts';
import { modeOf, type CoreDeps } from './core/core-deps.ts';
import { createShared } from './boot/create-shared.ts';
import { redactEnvValues } from './boot/redact-env-values.ts';
import { loadProviders } from './boot/load-providers.ts';
import { followUpVerification } from './core/verifications/follow-up-verification.ts';
import { createNonceClock } from './core/upstream/nonce-clock.ts';
import { createRetryBudget } from './core/upstream/retry-budget.ts';
import { checkDefinitions } from './boot/check-definitions.ts';
import { isLoopback } from './core/is-loopback.ts';
import {
  createRegistry,
  isEnabled,
  quotaOf,
  type ProviderSetup,
  type Registry,
} from './core/upstream/registry.ts';
import { assembleSchema } from './graphql/assemble-schema.ts';
import { createApolloServer } from './graphql/create-apollo-server.ts';
import { resolverMap } from './graphql/resolvers/index.ts';
import { createServer } from './http/create-server.ts';
import { identifyRoutedCaller } from './http/identify-routed-caller.ts';
import { identifySandboxCaller } from './http/identify-sandbox-caller.ts';
import { registerCallbacks } from './http/routes/callbacks.ts';
import { registerGraphiql } from './http/routes/graphiql.ts';
import { registerGraphql } from './http/routes/graphql.ts';
import { registerHealth } from './http/routes/health.ts';
import { registerMetrics } from './http/routes/metrics.ts';
import { registerReturn } from './http/routes/return.ts';
import { createBottleneckLimiter, type Pacer } from './infra/bottleneck-limiter.ts';
import { createCockatielBreaker } from './infra/cockatiel-breaker.ts';
import { createLog } from './infra/log.ts';
import { createMetrics } from './infra/metrics.ts';
import { createUpstreamClient, type UpstreamClient } from './infra/send-upstream.ts';

/** Every operation is answered by then; whoever still sends a request slowly is cut off. */
const drainTimeoutMs = 9100;

export interface App {
  readonly config: Config;
  readonly log: Log;
  /** Answers what is in flight, takes nothing new, and lets go of everything. */
  readonly stop: () => Promise<void>;
}

export interface AppOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Instead of the built-in ones and those that PROVIDERS names. */
  readonly definitions?: readonly AnyProvider[];
  readonly now?: () => number;
  readonly logDestination?: DestinationStream;
}

/** Epoch ms, in fractions, by a clock that is never set: what moments of sending are told by. */
function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Puts everything together and listens. Throws `BootError`. */
export async function startApp(options: AppOptions): Promise<App> {
  const now = options.now ?? Date.now;
  const definitions = options.definitions ?? (await loadProviders(options.env));
  checkDefinitions(definitions, settingNames);
  const config = loadConfig(options.env, definitions);
  const schema = assembleSchema(definitions, resolverMap);

  const log = createLog(config.logLevel, options.logDestination);
  const metrics = createMetrics();
  const shared = await createShared(config, { now, steadyNow }, log);
  const { store, pacer, velocity, followUps, publish } = shared;
  const upstream = createUpstreamClient();
  let sandbox: Sandbox | null = null;
  let isDraining = false;

  const inFlight: CoreDeps['inFlight'] = new Map();
  const closeAll = async (servers: readonly FastifyInstance[]): Promise<void> => {
    const cutOff = setTimeout(() => {
      for (const { server } of servers) server.closeAllConnections();
    }, drainTimeoutMs);
    await Promise.all(servers.map((server) => server.close()));
    clearTimeout(cutOff);
    // A call that was sent is heard out, though whoever asked for it has left.
    await Promise.allSettled(inFlight.values());
    await Promise.allSettled([upstream.close(), sandbox?.close(), shared.close()]);
  };

  const servers: FastifyInstance[] = [];
  try {
    const emulated = config.sandbox
      ? await startSandbox(sandboxDeps(config, definitions, now, options.env))
      : null;
    sandbox = emulated;
    const core: CoreDeps = {
      registry: createRegistry(
        definitions,
        (definition) => setUpProvider(definition, config, emulated),
        config.routing,
      ),
      store,
      ...(config.sandbox ? onlyToLoopback(upstream) : toUpstream(upstream)),
      limiter: createBottleneckLimiter({ pacer, now: steadyNow, guardMs: config.limitGuardMs }),
      breaker: createCockatielBreaker({
        now,
        // Ordered faults are no trouble of a provider: each scenario is met whatever came before.
        faultsToOpen: config.sandbox ? 100 : 5,
      }),
      log,
      metrics,
      now,
      nonceMs: createNonceClock(now),
      retryBudget: createRetryBudget(),
      accessTokens: createAccessTokens({
        store,
        hashKeys: config.hashKeys,
        mode: modeOf(config),
        now,
      }),
      randomBytes,
      hashKeys: config.hashKeys,
      sandbox: config.sandbox,
      publicUrl: config.publicUrl,
      redirectRules: { origins: config.redirectOrigins, allowLocalhost: config.sandbox },
      checksums: config.checksums,
      retentionDays: config.retentionDays,
      bankCardCacheSeconds: config.bankCardCacheSeconds,
      velocity,
      velocityRules: config.velocityRules,
      inFlight,
      sharing: new Map(),
      asking: new Map(),
      followUps,
      publish,
    };
    followUps.begin((id) => followUpVerification(core, id));
    await warmUp(core.registry, pacer);
    const apollo = createApolloServer({ schema, log, open: config.sandbox });
    await apollo.start();

    const serverDeps = { log, isDraining: () => isDraining };
    const main = createServer(serverDeps);
    servers.push(main);
    main.addHook('onClose', () => apollo.stop());
    const isOpen = config.routerSecrets.length === 0 && config.jwt === null;
    const identify = isOpen ? identifySandboxCaller : identifyRoutedCaller(config, now);
    registerGraphql(main, { apollo, core, identify });
    const { storeRoundTripMs } = shared;
    registerHealth(main, { store, storeRoundTripMs, isDraining: () => isDraining });
    registerMetrics(main, metrics);
    if (config.graphiql) registerGraphiql(main);
    emulated?.register(main);
    const open = publicServer(main, servers, config, serverDeps);
    registerReturn(open, core);
    registerCallbacks(open, core);

    await main.listen({ host: config.host, port: config.port });
    for (const server of servers.slice(1)) {
      await server.listen({ host: config.host, port: config.publicPort });
    }
  } catch (error) {
    await closeAll(servers);
    throw error;
  }

  return {
    config,
    log,
    stop: async () => {
      isDraining = true;
      await closeAll(servers);
    },
  };
}

/** Finds out what other replicas send, so that the first caller need not wait for it. */
async function warmUp(registry: Registry, pacer: Pacer): Promise<void> {
  await Promise.all(
    registry.all.filter(isEnabled).flatMap((provider) =>
      Object.keys(provider.definition.actions).map((action) => {
        const { key, perSecond } = quotaOf(provider, action);
        return pacer.warm(key, perSecond);
      }),
    ),
  );
}

/** The person's page is on the main listener: it is a tool of the sandbox and not for the public. */
function personBaseUrl(config: Config): string {
  return config.publicPort === config.port ? config.publicUrl : `http://localhost:${config.port}`;
}

/** The emulated providers notify us, and nobody else. */
function toLoopback({ publicUrl, publicPort }: Config, url: string): string | null {
  return url.startsWith(`${publicUrl}/`)
    ? `http://127.0.0.1:${publicPort}${url.slice(publicUrl.length)}`
    : null;
}

/** People's browsers reach the public listener; it is the main one unless it has its own port. */
function publicServer(
  main: FastifyInstance,
  servers: FastifyInstance[],
  config: Config,
  deps: Parameters<typeof createServer>[0],
): FastifyInstance {
  if (config.publicPort === config.port) return main;
  const server = createServer(deps);
  servers.push(server);
  return server;
}

function toUpstream({
  connect,
  send,
}: UpstreamClient): Pick<CoreDeps, 'connectUpstream' | 'sendUpstream'> {
  return { connectUpstream: connect, sendUpstream: send };
}

/** Whatever a plugin makes of its settings: in the sandbox nothing real is called. */
function onlyToLoopback({ connect, send }: UpstreamClient): ReturnType<typeof toUpstream> {
  const demandLoopback = (url: string): void => {
    if (!isLoopback(url)) throw new ProviderFault('not_sent');
  };
  return {
    connectUpstream: async (url, timeoutMs) => {
      demandLoopback(url);
      return connect(url, timeoutMs);
    },
    sendUpstream: async (request, limits) => {
      demandLoopback(request.url);
      return send(request, limits);
    },
  };
}

function sandboxDeps(
  config: Config,
  definitions: readonly AnyProvider[],
  now: () => number,
  env: AppOptions['env'],
): SandboxDeps {
  const givenSettings = (id: string) => config.providers.get(id)?.given ?? {};
  const ownWay = (url: string) => toLoopback(config, url);
  return {
    now,
    baseUrl: personBaseUrl(config),
    givenSettings,
    toLoopback: ownWay,
    others: definitions.flatMap(({ id, sandbox }) =>
      sandbox && config.providers.get(id)?.isOff !== true
        ? [
            {
              id,
              start: async () => {
                const context = {
                  now,
                  givenSettings: givenSettings(id),
                  toLoopback: ownWay,
                  accountUrl: `${config.publicUrl}/callbacks/${id}/account`,
                };
                return startOwnSandbox(id, sandbox, context, env);
              },
            },
          ]
        : [],
    ),
  };
}

const sandboxWithinMs = 10_000;

/** The emulation that a plugin brought. Throws `BootError`. */
async function startOwnSandbox(
  id: string,
  load: NonNullable<AnyProvider['sandbox']>,
  context: SandboxContext,
  env: AppOptions['env'],
): Promise<SandboxUpstream> {
  const fail = (reason: string): BootError =>
    new BootError([`provider "${id}": its sandbox does not start: ${reason}`]);
  let upstream: SandboxUpstream;
  try {
    const starting = (async () => {
      const start = await load();
      return start(context);
    })();
    upstream = await withTimeout(sandboxWithinMs, starting, () => {
      throw new Error('it does not end');
    });
  } catch (error) {
    throw fail(error instanceof Error ? redactEnvValues(error.message, env) : 'unknown');
  }
  const { settings, scenarios, close } = upstream ?? {};
  if (typeof settings !== 'object' || !Array.isArray(scenarios) || typeof close !== 'function') {
    throw fail('it must return { settings, scenarios, close }');
  }
  return upstream;
}

function setUpProvider(
  definition: AnyProvider,
  config: Config,
  sandbox: Sandbox | null,
): ProviderSetup {
  const settings = config.providers.get(definition.id);
  const given = settings?.given ?? {};
  const perSecond = settings?.perSecond ?? {};
  const off = (disabledReason: string): ProviderSetup => ({
    ...{ settings: null, perSecond, account: '' },
    disabledReason,
  });
  if (settings?.isOff) return off('Switched off by PROVIDERS_OFF.');
  const emulated = sandbox?.settingsOf(definition.id) ?? {};
  if (sandbox && Object.keys(emulated).length === 0) return off('The sandbox does not emulate it.');
  if (!sandbox && !definition.credentials.some((name) => given[name] !== undefined)) {
    return off('It has no credentials here.');
  }
  const used = { ...given, ...emulated };
  const parsed = parseProviderSettings(definition, used);
  if ('wrong' in parsed) throw new BootError(parsed.wrong);
  const account = accountOf(definition, used);
  const unclear = findUnclearOutcomes(definition, parsed.settings);
  if (unclear.length > 0) throw new BootError(unclear);
  return { settings: parsed.settings, disabledReason: null, perSecond, account };
}

/** Where the settings decide how an outcome is learnt, they have to. */
function findUnclearOutcomes({ id, channels }: AnyProvider, settings: unknown): string[] {
  return Object.entries(channels).flatMap(([name, { outcome }]) => {
    if (typeof outcome === 'string') return [];
    try {
      if (['QUERY', 'NOTIFICATION', 'NONE'].includes(outcome(settings))) return [];
    } catch {
      // Said below.
    }
    return [`provider "${id}": outcome of ${name} must return QUERY, NOTIFICATION or NONE.`];
  });
}

/** By its first credential, a random id of the vendor's: not one of ours, which are rotated. */
function accountOf(
  { credentials }: AnyProvider,
  settings: Readonly<Record<string, string>>,
): string {
  const [first = ''] = credentials;
  const text = JSON.stringify([settings['ENDPOINT'], settings[first]]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
