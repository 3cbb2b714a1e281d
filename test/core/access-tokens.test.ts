import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import { StoreUnavailable } from '../../src/ports/index.ts';
import { createAccessTokens } from '../../src/core/upstream/access-tokens.ts';
import type { RegisteredProvider } from '../../src/core/upstream/registry.ts';
import { createMemoryStore } from '../../src/infra/memory/memory-store.ts';
import { probe } from '../support/test-core.ts';

const hashKeys = [{ kid: 'k1', key: new Secret(Buffer.alloc(32, 7).toString('base64')) }] as const;

function provider(account = 'one'): RegisteredProvider {
  return {
    ...{ definition: probe, settings: {}, disabledReason: null, perSecond: {} },
    ...{ account, accountName: 'default' },
  };
}

function replicas() {
  const clock = { ms: 1_800_000_000_000 };
  const now = (): number => clock.ms;
  const store = createMemoryStore({ now });
  let fetched = 0;
  const fetch = async () => {
    fetched += 1;
    return { token: `t-${fetched}`, expiresInSeconds: 600 };
  };
  const replica = (over = store) =>
    createAccessTokens({ store: over, hashKeys, mode: 'test', now });
  return { clock, store, replica, fetch, fetched: () => fetched };
}

describe('an access token', () => {
  it('is fetched once for concurrent callers and for other replicas', async () => {
    const { replica, fetch, fetched } = replicas();
    const [one, other] = [replica(), replica()];
    const all = await Promise.all([1, 2, 3].map(() => one.get(provider(), 'a', fetch)));
    all.push(await other.get(provider(), 'a', fetch));
    expect(all.map((token) => token.reveal())).toEqual(['t-1', 't-1', 't-1', 't-1']);
    expect(fetched()).toBe(1);
  });

  it('of an account that gets the credentials of another customer is not used again', async () => {
    const { replica, fetch } = replicas();
    const of = (credentialId: string) => ({ ...provider('@retail'), credentialId });
    const first = await replica().get(of('one'), 'a', fetch);
    const second = await replica().get(of('two'), 'a', fetch);
    expect([first, second].map((token) => token.reveal())).toEqual(['t-1', 't-2']);
  });

  it('is fetched again before it expires', async () => {
    const { clock, replica, fetch, fetched } = replicas();
    const one = replica();
    await one.get(provider(), 'a', fetch);
    clock.ms += 569_000;
    await one.get(provider(), 'a', fetch);
    expect(fetched()).toBe(1);
    clock.ms += 2000;
    await one.get(provider(), 'a', fetch);
    expect(fetched()).toBe(2);
  });

  it('is cached per account and per token name', async () => {
    const { replica, fetch, fetched } = replicas();
    const one = replica();
    await one.get(provider('one'), 'a', fetch);
    await one.get(provider('two'), 'a', fetch);
    await one.get(provider('one'), 'b', fetch);
    expect(fetched()).toBe(3);
  });

  it('is forgotten after the provider refuses it', async () => {
    const { replica, fetch, fetched } = replicas();
    const one = replica();
    await one.get(provider(), 'a', fetch);
    await one.forget(provider());
    await one.get(provider(), 'a', fetch);
    await replica().get(provider(), 'a', fetch);
    expect(fetched()).toBe(2);
  });

  it('works without the store, and a failed fetch is repeated', async () => {
    const { store, replica, fetch, fetched } = replicas();
    const down = async () => Promise.reject(new StoreUnavailable());
    const one = replica({ ...store, cache: { get: down, set: down, remove: down } });
    await expect(
      one.get(provider(), 'a', async () => Promise.reject(new Error('x'))),
    ).rejects.toThrow('x');
    await one.get(provider(), 'a', fetch);
    await one.get(provider(), 'a', fetch);
    expect(fetched()).toBe(1);
  });
});
