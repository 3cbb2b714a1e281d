import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { DestinationStream } from 'pino';
import { builtInProviders } from '../providers/index.ts';
import type { Sandbox } from '../sandbox/index.ts';
import { checkDefinitions } from './boot/check-definitions.ts';
import { loadConfig, type Config } from './boot/config.ts';
import { createAccounts, type Accounts } from './boot/create-accounts.ts';
import { createCoreDeps } from './boot/create-core-deps.ts';
import { createShared, type Shared } from './boot/create-shared.ts';
import { loadProviders } from './boot/load-providers.ts';
import { loadYamlParser } from './boot/load-yaml-parser.ts';
import { readCredentials } from './boot/read-credentials.ts';
import { readVersion } from './boot/read-version.ts';
import { reservedNames } from './boot/reserved-names.ts';
import { startEmulation } from './boot/start-emulation.ts';
import type { AnyProvider } from './contract/index.ts';
import { BootError } from './core/boot-error.ts';
import type { Caller } from './core/callers/caller.ts';
import type { CoreDeps } from './core/core-deps.ts';
import { nowOrLater } from './core/claims/now-or-later.ts';
import { noteSettings } from './core/ledger/note-settings.ts';
import { ownOperation } from './core/own-operation.ts';
import { problemCodes } from './core/problem.ts';
import { actionKey, enabledAccounts, quotaOf, type Registry } from './core/upstream/registry.ts';
import { tryAccount } from './core/upstream/try-account.ts';
import { followUpVerification } from './core/verifications/follow-up-verification.ts';
import { assembleSchema } from './graphql/assemble-schema.ts';
import { createApolloServer } from './graphql/create-apollo-server.ts';
import type { Subscriptions } from './graphql/subscriptions/serve-subscriptions.ts';
import { resolverMap } from './graphql/resolvers/index.ts';
import { mutation } from './graphql/resolvers/mutation.ts';
import { createServer } from './http/create-server.ts';
import { identifyRoutedCaller } from './http/identify-routed-caller.ts';
import { identifySandboxCaller } from './http/identify-sandbox-caller.ts';
import { registerCallbacks } from './http/routes/callbacks.ts';
import { registerGraphql } from './http/routes/graphql.ts';
import { registerHandoff } from './http/routes/handoff.ts';
import { registerHealth } from './http/routes/health.ts';
import { registerMetrics } from './http/routes/metrics.ts';
import { registerReturn } from './http/routes/return.ts';
import type { Pacer } from './infra/bottleneck-limiter.ts';
import { createLog, type FlushedLog } from './infra/log.ts';
import { createMetrics, type ObservedState, type PrometheusMetrics } from './infra/metrics.ts';
import { isTracingOn, noTracer } from './infra/no-tracer.ts';
import { createOperationScopes } from './infra/operation-scopes.ts';
import { isDoneWithin } from './infra/running-time.ts';
import type { Tracer } from './ports/index.ts';
import type { EnvProxy } from './infra/env-proxy.ts';
import {
  connectTimeoutMs,
  createUpstreamClient,
  type UpstreamClient,
} from './infra/send-upstream.ts';

/** How long the collector may take for the last spans. */
const flushTracesWithinMs = 500;
/** How long routers may take for the end of their subscriptions. */
const tellRoutersWithinMs = 3000;
/** By then every operation has ended. Connections that are still open are closed. */
const drainTimeoutMs = 9100;

export interface App {
  readonly config: Config;
  readonly log: FlushedLog;
  /** The class of what is wrong with the store now; null while it works. */
  readonly storeFault: () => string | null;
  /** Looks at ACCOUNTS_FILE now. */
  readonly reloadAccounts: () => Promise<void>;
  /**
   * Says that it stops and serves on for `SHUTDOWN_DELAY_MS`. Then refuses new requests, finishes those in flight,
   * and closes everything.
   */
  readonly stop: () => Promise<void>;
}

export interface AppOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replaces the built-in providers and those that PROVIDERS names. */
  readonly definitions?: readonly AnyProvider[];
  readonly now?: () => number;
  readonly logDestination?: DestinationStream;
}

/** Creates all parts of the service and listens. Throws `BootError`. */
export async function startApp(options: AppOptions): Promise<App> {
  const { env, now = Date.now } = options;
  const parseYaml = await loadYamlParser(env);
  const definitions =
    options.definitions ??
    (await loadProviders(env).catch((error) => addMistakes(error, env, parseYaml)));
  checkDefinitions(definitions, reservedNames);
  const config = loadConfig(env, definitions, { parseYaml });
  const schema = assembleSchema(definitions, resolverMap);

  const scopes = createOperationScopes();
  const log = createLog(config.logLevel, options.logDestination, scopes);
  const metrics = createMetrics({
    mostTenants: config.metricsTenants,
    operations: Object.keys(mutation),
    outcomes: ['SUCCESS', 'FORBIDDEN', 'INTERNAL_SERVER_ERROR', ...problemCodes],
  });
  const { tracer, stop: stopTracing } = await createTracing(env);
  const shared = await createShared(config, { now, steadyNow }, { log, scopes, metrics });
  const proxy = await createProxy(config);
  const running: Running = {
    ...{ shared, proxy, stopTracing, servers: [] },
    // The sandbox calls its own emulations.
    upstream: createUpstreamClient(proxy && !config.sandbox ? { connect: proxy.connect } : {}),
  };
  let isStopping = false;
  let isDraining = false;
  try {
    const emulated = config.sandbox
      ? await startEmulation({ now, env }, config, definitions)
      : null;
    running.sandbox = emulated;
    const accounts = await createAccounts(
      { now, log, readCredentials, parseYaml, readFile: (path) => readFileSync(path, 'utf8') },
      config,
      definitions,
      (id) => emulated && emulated.settingsOf(id),
    );
    running.accounts = accounts;
    const { registry, tenants } = accounts;
    const core = createCoreDeps(
      {
        now,
        steadyNow,
        log,
        metrics,
        scopes,
        tracer,
        shared,
        upstream: running.upstream,
        ...{ registry, tenants },
      },
      config,
    );
    running.core = core;
    shared.followUps.begin((id) =>
      ownOperation(core, 'follow-up', () => followUpVerification(core, id)),
    );
    metrics.watch(observedState(core, shared, accounts));
    const note = (): Promise<boolean> =>
      nowOrLater(core, () =>
        noteSettings(core, { ...config.texts, ...accounts.texts() }, readVersion()),
      );
    void note();
    await warmUp(registry, shared.pacer);
    accounts.follow({
      tryAccount: (account) => tryAccount(core, account),
      changed: async (next) => {
        await warmUp(next, shared.pacer);
        void note();
      },
    });
    running.subscriptions = await createSubscriptionServer(config, { now, log, metrics });
    const { server: subscriptions = null } = running.subscriptions ?? {};
    const apollo = createApolloServer({ schema, log, open: config.sandbox, subscriptions });
    await apollo.start();
    const edge = {
      ...{ config, core, apollo, metrics, emulated },
      isStopping: () => isStopping,
      isDraining: () => isDraining,
    };
    await listen(edge, running);
  } catch (error) {
    await closeAll(running);
    throw error;
  }
  return {
    config,
    log,
    storeFault: shared.storeFault,
    reloadAccounts: async () => running.accounts?.reload(),
    stop: async () => {
      isStopping = true;
      await new Promise((resolve) => setTimeout(resolve, config.shutdownDelayMs));
      isDraining = true;
      await closeAll(running);
    },
  };
}

function observedState(
  { registry, breaker }: CoreDeps,
  shared: Shared,
  { isRefused: isAccountsFileRefused }: Accounts,
): ObservedState {
  return {
    version: readVersion(),
    actions: () =>
      enabledAccounts(registry).flatMap((provider) =>
        Object.keys(provider.definition.actions).map((action) => ({
          ...{ provider: provider.definition.id, account: provider.accountName, action },
          perSecond: quotaOf(provider, action).perSecond,
          isBreakerOpen: breaker.isOpen(actionKey(provider, action)),
        })),
      ),
    isAccountsFileRefused,
    store: () => ({
      isUp: shared.storeFault() === null,
      roundTripMs: shared.storeRoundTripMs(),
    }),
    followUps: shared.followUps.counts,
    webhooks: shared.webhookCounts,
    ledger: shared.ledgerState,
  };
}

interface Tracing {
  readonly tracer: Tracer;
  readonly stop: () => Promise<void>;
}

/** Tracing is loaded only if `OTEL_EXPORTER_OTLP_ENDPOINT` says where spans go. */
async function createTracing(env: AppOptions['env']): Promise<Tracing> {
  if (!isTracingOn(env)) return { tracer: noTracer, stop: async () => {} };
  const { startTracing } = await import('./infra/start-tracing.ts');
  const { createTracer } = await import('./infra/create-tracer.ts');
  return { stop: startTracing(readVersion()), tracer: createTracer() };
}

/** Throws the mistakes of the other settings together with those in PROVIDERS, so that one boot shows all. */
function addMistakes(
  error: unknown,
  env: AppOptions['env'],
  parseYaml: (text: string) => unknown,
): never {
  if (!(error instanceof BootError)) throw error;
  try {
    loadConfig(env, builtInProviders, { areAllLoaded: false, parseYaml });
  } catch (other) {
    if (!(other instanceof BootError)) throw other;
    // It may name a provider that could not be loaded.
    const known = other.lines.filter(
      (line) => !line.startsWith('PROVIDERS_OFF ') && !line.includes(': is no provider'),
    );
    throw new BootError([...error.lines, ...known]);
  }
  throw error;
}

/** Epoch ms with fractions, by a monotonic clock: rate limits need a clock that is never set back. */
function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Loaded only where it is used, and so are the following. */
async function createProxy({ proxy }: Config): Promise<EnvProxy | null> {
  if (!proxy) return null;
  const { createEnvProxy } = await import('./infra/env-proxy.ts');
  return createEnvProxy(proxy, { timeoutMs: connectTimeoutMs });
}

async function createTokenReader(
  { jwt }: Config,
  now: () => number,
  proxy: EnvProxy | null,
): Promise<((token: string) => Promise<Caller>) | null> {
  if (!jwt) return null;
  const { createJwtReader } = await import('./http/jwt-reader.ts');
  return createJwtReader({ now, fetch: proxy?.fetch ?? fetch }, jwt);
}

interface SubscriptionServer {
  readonly server: Subscriptions;
  readonly close: () => Promise<void>;
}

async function createSubscriptionServer(
  { callbackRules }: Config,
  deps: Pick<CoreDeps, 'now' | 'log' | 'metrics'>,
): Promise<SubscriptionServer | null> {
  if (callbackRules.length === 0) return null;
  const { createCallbackSender } = await import('./infra/send-callback.ts');
  const { send, close } = createCallbackSender();
  const { createSubscriptions } = await import('./graphql/subscriptions/serve-subscriptions.ts');
  return { server: createSubscriptions({ ...deps, send }, callbackRules), close };
}

/** Learns the state of the rate limits from other replicas, so that the first caller need not wait for it. */
async function warmUp(registry: Registry, pacer: Pacer): Promise<void> {
  await Promise.all(
    enabledAccounts(registry).flatMap((provider) =>
      Object.keys(provider.definition.actions).map((action) => {
        const { key, perSecond } = quotaOf(provider, action);
        return pacer.warm(key, perSecond);
      }),
    ),
  );
}

interface Edge {
  readonly config: Config;
  readonly core: CoreDeps;
  readonly apollo: ReturnType<typeof createApolloServer>;
  readonly metrics: PrometheusMetrics;
  readonly emulated: Sandbox | null;
  readonly isStopping: () => boolean;
  readonly isDraining: () => boolean;
}

/** The main listener is for the router, the public one for browsers and providers. One port may serve both. */
async function listen(edge: Edge, { shared, proxy, servers }: Running): Promise<void> {
  const { config, core, apollo, metrics, emulated, isStopping, isDraining } = edge;
  const create = (): FastifyInstance => {
    const server = createServer({ log: core.log, metrics, isStopping, isDraining });
    servers.push(server);
    return server;
  };
  const main = create();
  main.addHook('onClose', () => apollo.stop());
  const isOpen = config.routerSecrets.length === 0 && config.jwt === null;
  const readToken = await createTokenReader(config, core.now, proxy);
  const identify = isOpen ? identifySandboxCaller : identifyRoutedCaller(config, readToken);
  if (config.corsOrigins.length > 0) {
    const { allowOrigins } = await import('./http/allow-origins.ts');
    allowOrigins(main, config.corsOrigins);
  }
  registerGraphql(main, { apollo, core, identify });
  const { store, storeRoundTripMs, storeFault } = shared;
  registerHealth(main, { store, storeRoundTripMs, storeFault, isStopping });
  registerMetrics(main, metrics);
  if (config.graphiql) {
    const { registerGraphiql } = await loadGraphiql();
    registerGraphiql(main);
  }
  emulated?.register(main);
  const open = config.publicPort === config.port ? main : create();
  registerReturn(open, core);
  registerHandoff(open, core);
  registerCallbacks(open, core);

  await main.listen({ host: config.host, port: config.port });
  if (open !== main) await open.listen({ host: config.host, port: config.publicPort });
}

/** An image can leave it out, because only a sandbox serves it. Throws `BootError`. */
async function loadGraphiql() {
  try {
    return await import('./http/routes/graphiql.ts');
  } catch (error) {
    const { code }: { readonly code?: unknown } = Object(error);
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new BootError(['GraphiQL is not part of this image. Set GRAPHIQL=off.']);
  }
}

/** The parts to close, as far as they were opened. */
interface Running {
  readonly shared: Shared;
  readonly proxy: EnvProxy | null;
  readonly upstream: UpstreamClient;
  readonly stopTracing: () => Promise<void>;
  readonly servers: FastifyInstance[];
  sandbox?: Sandbox | null;
  accounts?: Accounts;
  subscriptions?: SubscriptionServer | null;
  core?: CoreDeps;
}

async function closeAll(running: Running): Promise<void> {
  const { shared, proxy, upstream, servers, sandbox, core, stopTracing } = running;
  const { subscriptions } = running;
  running.accounts?.close();
  // At once, so that clients subscribe again elsewhere while requests in flight end here.
  const toldRouters = subscriptions?.server.completeAll();
  const cutOff = setTimeout(() => {
    for (const { server } of servers) server.closeAllConnections();
  }, drainTimeoutMs);
  await Promise.all(servers.map((server) => server.close()));
  clearTimeout(cutOff);
  if (toldRouters) await isDoneWithin(toldRouters, tellRoutersWithinMs);
  // A call that was sent is awaited even if its caller has left.
  if (core) await Promise.allSettled(core.inFlight.values());
  await Promise.allSettled([upstream.close(), proxy?.close(), sandbox?.close(), shared.close()]);
  await subscriptions?.close();
  // Last, with the spans of what was just finished.
  await isDoneWithin(
    stopTracing().catch(() => {}),
    flushTracesWithinMs,
  );
}
