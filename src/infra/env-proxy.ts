import { buildConnector, Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch, Pool } from 'undici';
import type { Secret } from '../contract/index.ts';

/** The proxies of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
export interface ProxySettings {
  /** May hold a password. Without it, https goes through `httpProxy`. */
  readonly httpsProxy: Secret | undefined;
  readonly httpProxy: Secret | undefined;
  /** Hosts that are called directly: `host,.domain,host:port`, or `*`. */
  readonly noProxy: string;
}

export interface EnvProxy {
  /** Opens a socket to an origin, through the proxy that undici would use. */
  readonly connect: buildConnector.connector;
  readonly fetch: typeof fetch;
  readonly close: () => Promise<void>;
}

/** For a proxy that takes the connection and does not answer CONNECT. */
const connectAnswerWithinMs = 5000;

/**
 * Outgoing calls through the proxies of the environment, by the rules of undici's `EnvHttpProxyAgent`. Also http is
 * tunnelled (CONNECT), so that a connection can be opened before a request is sent.
 */
export function createEnvProxy(
  { httpsProxy, httpProxy, noProxy }: ProxySettings,
  { timeoutMs }: { readonly timeoutMs: number },
): EnvProxy {
  const terms = {
    // An empty text, because undici would read the environment for an absent one.
    httpsProxy: httpsProxy?.reveal() ?? '',
    httpProxy: httpProxy?.reveal() ?? '',
    noProxy,
    ...{ connect: { timeout: timeoutMs }, proxyTunnel: true },
    ...{ proxyTls: { timeout: timeoutMs }, requestTls: { timeout: timeoutMs } },
    clientFactory: (origin: URL, options: object) =>
      new Pool(origin, { ...options, headersTimeout: connectAnswerWithinMs }),
  };
  const fetching = new EnvHttpProxyAgent(terms);
  const connecting = new EnvHttpProxyAgent({
    ...terms,
    factory: (_origin, options) => new ConnectorGiver(connectorIn(options)),
  });
  return {
    connect: (options, done) => {
      const origin = `${options.protocol}//${options.host ?? options.hostname}`;
      const asking: Asking = {
        ...{ origin, path: '/', method: 'GET' },
        receive: (connector) => connector(options, done),
      };
      connecting.dispatch(asking, {});
    },
    // The types of Node's own fetch and of undici's differ in names only.
    fetch: ((input: string, init?: object) =>
      undiciFetch(input, { ...init, dispatcher: fetching })) as unknown as typeof fetch,
    close: async () => {
      await Promise.all([fetching.destroy(), connecting.destroy()]);
    },
  };
}

/** A request that is not sent: it only asks which connector undici would use for its origin. */
interface Asking extends Dispatcher.DispatchOptions {
  readonly origin: string;
  readonly receive: (connector: buildConnector.connector) => void;
}

/** Stands in undici's agents in the place of a pool. */
class ConnectorGiver extends Dispatcher {
  readonly #connector: buildConnector.connector;

  constructor(connector: buildConnector.connector) {
    super();
    this.#connector = connector;
  }

  override dispatch(options: Dispatcher.DispatchOptions): boolean {
    (options as Asking).receive(this.#connector);
    return true;
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }

  override destroy(): Promise<void> {
    return Promise.resolve();
  }
}

/** undici passes the agent's options to `factory`, with the function or the options that connect. */
function connectorIn(options: object): buildConnector.connector {
  const { connect } = options as {
    readonly connect?: buildConnector.connector | buildConnector.BuildOptions;
  };
  return typeof connect === 'function' ? connect : buildConnector(connect);
}
