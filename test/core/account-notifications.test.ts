import { describe, expect, it } from 'vitest';
import type { Notification, NotificationContext } from '../../src/contract/index.ts';
import {
  createLiveRegistry,
  createRegistry,
  type ProviderSetup,
} from '../../src/core/upstream/registry.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { receiveNotification } from '../../src/core/verifications/receive-notification.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { callerOf, createTestCore, passedAnswer } from '../support/test-core.ts';

interface Settings {
  readonly secret: string;
}

/** Each account has a secret of its own, which its notifications carry. */
const provider = probeWith({
  channels: {
    FACE_WEB: {
      outcome: 'NOTIFICATION',
      notification: {
        verify: ({ headers }: Notification, { settings }: NotificationContext<Settings>) =>
          headers['x-secret'] === settings.secret
            ? { kind: 'genuine', deliveryId: 'one' }
            : { kind: 'refused' },
        read: () => passedAnswer,
        referenceOf: ({ body }: Notification) => body.toString(),
        reply: { contentType: 'text/plain', body: 'thanks' },
      },
    },
  },
});

const setupOf = (name: string): ProviderSetup => ({
  ...{ settings: { secret: `${name}-secret` }, disabledReason: null, perSecond: {} },
  account: `@${name}`,
});
const registryWith = (...names: readonly string[]) =>
  createRegistry(
    [provider],
    () => setupOf('default'),
    new Map(),
    new Map([['probe', new Map(names.map((name) => [name, setupOf(name)] as const))]]),
  );

/** A verification of the account `retail`. */
async function begin() {
  const live = createLiveRegistry(registryWith('retail', 'cards'));
  const core = createTestCore({
    definitions: [provider],
    deps: { registry: live.registry },
    rules: { accounts: new Map([['probe', [{ account: 'retail', uses: null }]]]) },
  });
  const input = { idempotencyKey: 'k', channel: 'FACE_WEB' };
  const started = await startVerification(core.deps, callerOf(), input, core.deps.now() + 9000);
  if (started.kind !== 'success') throw new Error(started.problem.code);
  const { id } = started.verification;
  const urls = core.provider.ledger[0]?.body as Readonly<Record<string, string>> | undefined;
  const own = urls?.['notifyUrl']?.split('/').at(-1) ?? '';
  const deliver = (capability: string, name: string) =>
    receiveNotification(core.deps, 'probe', capability, {
      ...{ method: 'POST', query: '', headers: { 'x-secret': `${name}-secret` } },
      body: Buffer.from(id),
    });
  const status = async () => {
    const [read] = await readVerifications(core.deps, callerOf(), [id], core.deps.now() + 9000);
    return read && 'status' in read ? read.status : null;
  };
  return { live, own, deliver, status };
}

describe('a notification to the URL of an account', () => {
  it('counts for the verifications of the account that it proves', async () => {
    const { deliver, status } = await begin();
    // Genuine for another account: acknowledged, and it says nothing about this verification.
    expect(await deliver('account', 'cards')).toMatchObject({ kind: 'received' });
    expect(await deliver('account', 'default')).toMatchObject({ kind: 'received' });
    expect(await status()).toBe('PENDING');
    expect(await deliver('account', 'nobody')).toEqual({ kind: 'refused' });
    expect(await deliver('account', 'retail')).toMatchObject({ kind: 'received' });
    expect(await status()).toBe('PASSED');
  });
});

describe('a notification to the URL of a verification', () => {
  it('is checked with the secret of its account', async () => {
    const { own, deliver, status } = await begin();
    expect(await deliver(own, 'default')).toEqual({ kind: 'refused' });
    expect(await status()).toBe('PENDING');
    expect(await deliver(own, 'retail')).toMatchObject({ kind: 'received' });
    expect(await status()).toBe('PASSED');
  });

  it('is to be sent again while its account is away', async () => {
    const { live, own, deliver, status } = await begin();
    live.replace(registryWith('cards'));
    expect(await deliver(own, 'retail')).toEqual({ kind: 'try_later' });
    live.replace(registryWith('retail', 'cards'));
    expect(await deliver(own, 'retail')).toMatchObject({ kind: 'received' });
    expect(await status()).toBe('PASSED');
  });
});
