/** Where a Redis URL leads. */
export interface RedisTarget {
  readonly kind: 'single' | 'cluster' | 'sentinel';
  readonly isTls: boolean;
  /** One for `single`; the seeds of a cluster; the sentinels. IPv6 addresses have no brackets. */
  readonly nodes: readonly RedisNode[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** The name that the sentinels know the master by; null for other kinds. */
  readonly master: string | null;
}

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export type ParsedRedisUrl =
  | { readonly target: RedisTarget }
  /** What is wrong, without a part of the URL. */
  | { readonly mistake: string };

const forms =
  'must be redis://host:port/database, redis+cluster://host:port,… or redis+sentinel://host:port,…/name, with rediss for TLS';
const ports = { single: 6379, cluster: 6379, sentinel: 26_379 } as const satisfies Record<
  RedisTarget['kind'],
  number
>;
/** More than any server is set up with. Whether the server has it is checked on connecting. */
const mostDatabases = 10_000;

/**
 * `redis[s]://`, `redis[s]+cluster://` and `redis[s]+sentinel://`, in one syntax:
 * `scheme://[user][:password@]host[:port][,host…][/name][/database]`.
 *
 * The user ends at the first `:`, and the login at the last `@`. Both parts may have percent-encoded characters.
 * `redis://:password@` has a password and no user.
 */
export function parseRedisUrl(url: string): ParsedRedisUrl {
  const [, tls, kindText, rest = ''] =
    /^redis(s?)(?:\+(cluster|sentinel))?:\/\/(.*)$/su.exec(url) ?? [];
  if (tls === undefined) return { mistake: forms };
  const kind = (kindText ?? 'single') as RedisTarget['kind'];
  if (/[\s?#]/u.test(rest)) {
    return {
      mistake: 'must have no blanks, ? and #; write them as %20, %3F and %23 in a password',
    };
  }
  const loginEnd = rest.lastIndexOf('@');
  const login = readLogin(loginEnd < 0 ? '' : rest.slice(0, loginEnd));
  if (!login) {
    return { mistake: 'has a % in its user or password that encodes nothing; write it as %25' };
  }
  const [hosts = '', ...path] = rest.slice(loginEnd + 1).split('/');
  const nodes = hosts.split(',').map((text) => readNode(text, ports[kind]));
  if (!nodes.every((node) => node !== null) || (kind === 'single' && nodes.length > 1)) {
    return { mistake: forms };
  }
  const segments = path.at(-1) === '' ? path.slice(0, -1) : path;
  const master = kind === 'sentinel' ? (segments[0] ?? '') : null;
  const afterMaster = kind === 'sentinel' ? segments.slice(1) : segments;
  if (master === '' || afterMaster.length > 1) return { mistake: forms };
  const [databaseText = '0'] = afterMaster;
  const database = /^\d{1,5}$/u.test(databaseText) ? Number(databaseText) : null;
  if (database === null || database >= mostDatabases) {
    return { mistake: 'must name its database by a number, such as /0' };
  }
  if (kind === 'cluster' && afterMaster.length > 0 && database !== 0) {
    return { mistake: 'must name no database: a cluster has only number 0' };
  }
  return { target: { kind, isTls: tls === 's', nodes, ...login, database, master } };
}

function readLogin(
  text: string,
): { readonly username: string | undefined; readonly password: string | undefined } | null {
  if (text === '') return { username: undefined, password: undefined };
  const colon = text.indexOf(':');
  const parts = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  try {
    const [username, password] = parts.map((part) => decodeURIComponent(part) || undefined);
    return { username, password };
  } catch {
    return null;
  }
}

function readNode(text: string, defaultPort: number): RedisNode | null {
  const [, ipv6, name, portText] =
    /^(?:\[([\da-fA-F:.]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/u.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = portText === undefined ? defaultPort : Number(portText);
  const isHost =
    host !== undefined &&
    URL.canParse(ipv6 === undefined ? `redis://${host}` : `redis://[${ipv6}]`) &&
    (ipv6 !== undefined || /^[\w.-]+$/u.test(host));
  return isHost && port > 0 && port < 65_536 ? { host, port } : null;
}
