import { lookup, promises, type LookupAddress } from 'node:dns';

const resolver = new promises.Resolver({ timeout: 1000, tries: 2 });
/** The name server has answered, and knows no address. */
const noAddress = ['ENOTFOUND', 'ENODATA'];

/**
 * All addresses of a name. A name server is asked without a thread: Node looks up names in a pool of four threads, and a
 * name server that does not answer would hold up every other look-up of the process, of Redis and of providers too (Node
 * 24.21, 2026-11-27). A name that it does not know may be in the hosts file, or have a search domain, so the system is asked.
 */
export async function lookUp(host: string): Promise<readonly LookupAddress[]> {
  const asked = [resolver.resolve4(host), resolver.resolve6(host)];
  const [v4, v6] = await Promise.allSettled(asked);
  const addresses = [...toAddresses(v4, 4), ...toAddresses(v6, 6)];
  if (addresses.length > 0) return addresses;
  for (const each of [v4, v6]) {
    const { code }: { readonly code?: string } = Object(each?.status === 'rejected' && each.reason);
    if (!noAddress.includes(code ?? '')) throw new Error('no answer of the name server');
  }
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
}

function toAddresses(
  answer: PromiseSettledResult<string[]> | undefined,
  family: number,
): LookupAddress[] {
  if (answer?.status !== 'fulfilled') return [];
  return answer.value.map((address) => ({ address, family }));
}
