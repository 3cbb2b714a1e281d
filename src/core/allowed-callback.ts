import { isIP, type BlockList } from 'node:net';

/** Callback URLs that are allowed: those below one URL of a host, of the hosts with one suffix, or of a network. */
export interface CallbackRule {
  readonly protocol: string;
  readonly host:
    | { readonly kind: 'name'; readonly name: string }
    /** With the dot at its beginning. */
    | { readonly kind: 'suffix'; readonly suffix: string }
    | { readonly kind: 'network'; readonly addresses: BlockList };
  /** Empty for the port of the protocol. */
  readonly port: string;
  /** Without a slash at its end. */
  readonly path: string;
}

const longestUrl = 1024;

/** The URL to call; null if no rule allows it. Below the path of a rule there is one more segment, a plain id. */
export function allowedCallback(rules: readonly CallbackRule[], text: string): string | null {
  if (text.length > longestUrl || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return null;
  // An empty query leaves its mark in the text only.
  if (/[?#\\%]/u.test(text)) return null;
  return rules.some((rule) => allows(rule, url)) ? url.href : null;
}

function allows({ protocol, host, port, path }: CallbackRule, url: URL): boolean {
  if (url.protocol !== protocol || url.port !== port) return false;
  if (!url.pathname.startsWith(`${path}/`)) return false;
  if (!/^[0-9A-Za-z-]{1,64}$/u.test(url.pathname.slice(path.length + 1))) return false;
  const { hostname } = url;
  switch (host.kind) {
    case 'name':
      return hostname === host.name;
    case 'suffix':
      return hostname.endsWith(host.suffix) && hostname.length > host.suffix.length;
    case 'network': {
      // The URL names the address itself, so this is the address that is connected to.
      const address = hostname.replace(/^\[(.*)\]$/u, '$1');
      const family = isIP(address);
      return family !== 0 && host.addresses.check(address, family === 6 ? 'ipv6' : 'ipv4');
    }
  }
}
