import type { SandboxUpstream } from 'verification-subgraph/provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox } from '../src/sandbox.ts';

let sandbox: SandboxUpstream;
beforeAll(async () => {
  sandbox = await startSandbox({
    now: Date.now,
    givenSettings: {},
    toLoopback: () => null,
    accountUrl: 'https://verification.example/callbacks/my-provider/account',
  });
});
afterAll(() => sandbox.close());

async function call(path: string, init: RequestInit = {}, key = sandbox.settings['API_KEY']) {
  const response = await fetch(`${sandbox.settings['ENDPOINT']}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${key}` },
  });
  return (await response.json()) as {
    readonly id?: string;
    readonly url?: string;
    readonly state?: string;
    readonly error?: { readonly code: string };
  };
}

function create(reference: string | null) {
  const body = JSON.stringify({ fullName: 'Ada', returnUrl: 'https://app.example/', reference });
  return call('/v1/identities', { method: 'POST', body });
}

describe('the emulated provider', () => {
  it('rejects a wrong API key', async () => {
    expect(await call('/v1/identities/x', {}, 'wrong')).toEqual({ error: { code: 'BAD_KEY' } });
  });

  it('ends with the result chosen on the person’s page, and redirects the person back', async () => {
    const { id, url = '' } = await create(null);
    expect(await call(`/v1/identities/${id}`)).toMatchObject({ state: 'open' });
    expect(await (await fetch(url)).text()).toContain('approved');
    const body = new URLSearchParams({ state: 'approved' });
    const { status, headers } = await fetch(url, { method: 'POST', body, redirect: 'manual' });
    expect([status, headers.get('location')]).toEqual([303, 'https://app.example/']);
    expect(await call(`/v1/identities/${id}`)).toMatchObject({ state: 'approved' });
  });

  it('reaches the result of each scenario it lists', async () => {
    for (const { action, expect: due, input } of sandbox.scenarios) {
      const { id, error } = await create(String(input['extra']));
      const seen =
        action === 'createIdentity' ? error?.code : (await call(`/v1/identities/${id}`)).state;
      expect(seen).toBe(due);
    }
  });
});
