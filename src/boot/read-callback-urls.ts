import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import type { CallbackRule } from '../core/allowed-callback.ts';
import { readList } from './read-setting-values.ts';

/** `url,…`; a host may be `*.suffix` or a network. */
export function readCallbackUrls(text: string, context: z.RefinementCtx): readonly CallbackRule[] {
  const rules = readList(text).map(readRule);
  const known = rules.filter((rule) => rule !== null);
  if (known.length === rules.length) return known;
  context.addIssue(
    'must be url,… such as https://router.example.com/callback, http://*.router.svc/callback or http://10.0.0.0/8:4040/callback',
  );
  return z.NEVER;
}

function readRule(text: string): CallbackRule | null {
  const [, scheme = '', host = '', bits, rest = ''] =
    /^(https?):\/\/([^/?#@\s]+?)(?:\/(\d{1,3})(?=:\d))?((?::\d+)?(?:\/[\w./-]*)?)$/u.exec(text) ??
    [];
  if (scheme === '') return null;
  const isSuffix = host.startsWith('*.');
  if (isSuffix && !/^(?:\.[\w-]+)+$/u.test(host.slice(1))) return null;
  if (host.slice(isSuffix ? 1 : 0).includes('*')) return null;
  // A network with a port stands where a URL has a host and a port.
  const plain = `${scheme}://${isSuffix ? `suffix${host.slice(1)}` : host}${rest}`;
  if (!URL.canParse(plain)) return null;
  const { protocol, hostname, port, pathname } = new URL(plain);
  const common = { protocol, port, path: pathname.replace(/\/$/u, '') };
  if (isSuffix) {
    return bits === undefined
      ? { ...common, host: { kind: 'suffix', suffix: hostname.slice('suffix'.length) } }
      : null;
  }
  if (bits === undefined) {
    // A network needs a port. Without one, its bits would be a path.
    const isForgotten = isAddress(hostname) && /^\/\d{1,3}(?:\/|$)/u.test(pathname);
    return isForgotten ? null : { ...common, host: { kind: 'name', name: hostname } };
  }
  const addresses = toNetwork(hostname, Number(bits));
  return addresses && { ...common, host: { kind: 'network', addresses } };
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[(.*)\]$/u, '$1')) !== 0;
}

function toNetwork(hostname: string, bits: number): BlockList | null {
  const address = hostname.replace(/^\[(.*)\]$/u, '$1');
  const family = isIP(address);
  if (family === 0 || bits > (family === 6 ? 128 : 32)) return null;
  const addresses = new BlockList();
  addresses.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  return addresses;
}
