import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import {
  isInNetworks,
  isPublicAddress,
  toNetwork,
} from '../../src/infra/webhooks/allowed-address.ts';
import { createWebhookSender } from '../../src/infra/webhooks/send-webhook.ts';
import { isWebhookSecret, signWebhook } from '../../src/infra/webhooks/sign-webhook.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

const secretOf = (fill: number): string => `whsec_${Buffer.alloc(32, fill).toString('base64')}`;
const [oldSecret, newSecret] = [secretOf(1), secretOf(2)];
const message = { id: 'evt_1', body: JSON.stringify({ type: 'webhook.test', data: {} }) };

let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
});
afterAll(() => receiver.stop());

const senderTo = (url: string, privateNetworks: readonly string[] = []) =>
  createWebhookSender(
    { now: Date.now },
    { url, secrets: [new Secret(newSecret), new Secret(oldSecret)], privateNetworks },
  );

async function sendTo(url: string, privateNetworks: readonly string[] = []) {
  const sender = senderTo(url, privateNetworks);
  const attempt = await sender.send(message);
  await sender.close();
  return attempt;
}

describe('a signature', () => {
  it('is verified by the package of the standard, with either secret', async () => {
    expect(await sendTo(receiver.url, ['127.0.0.0/8'])).toMatchObject({ result: 'delivered' });
    const { body, headers } = receiver.received.at(-1) ?? { body: '', headers: {} };
    for (const secret of [oldSecret, newSecret]) {
      const verified = new Webhook(secret).verify(body, headers as Record<string, string>);
      expect(verified).toEqual({ type: 'webhook.test', data: {} });
    }
    const wrong = new Webhook(secretOf(3));
    expect(() => wrong.verify(body, headers as Record<string, string>)).toThrow(
      'No matching signature found',
    );
    expect(() =>
      new Webhook(newSecret).verify(`${body} `, headers as Record<string, string>),
    ).toThrow('No matching signature found');
  });

  it('is that of the package, to the byte', () => {
    const at = new Date('2026-11-27T08:30:00Z');
    const ours = signWebhook({ ...message, atSeconds: at.getTime() / 1000 }, [
      new Secret(newSecret),
    ]);
    const theirs = new Webhook(newSecret).sign(message.id, at, message.body);
    expect(ours['webhook-signature']).toBe(theirs);
  });

  it('needs a secret of 24 to 64 bytes', () => {
    const of = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
    expect([of(24), of(64)].map(isWebhookSecret)).toEqual([true, true]);
    const wrong = [of(23), of(65), of(32).slice(6), `${of(32)}!`, 'whsec_', ''];
    expect(wrong.map(isWebhookSecret)).toEqual(wrong.map(() => false));
  });
});

describe('an address', () => {
  const closed = [
    ...['127.0.0.1', '10.1.2.3', '192.168.1.1', '172.16.0.1', '169.254.169.254', '0.0.0.0'],
    ...['100.64.0.1', '192.0.2.1', '224.0.0.1', '255.255.255.255', '198.18.0.1'],
    ...['::1', '::', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1'],
    ...[
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:db8::1',
      '::7f00:1',
      '4000::1',
      '168.63.129.16',
      'not an address',
      '',
    ],
  ];
  it.each(closed)('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it('is allowed if it is public, or in a network that is named', () => {
    expect(isPublicAddress('93.184.215.14')).toBe(true);
    expect(isPublicAddress('2606:2800:21f::1')).toBe(true);
    const networks = ['10.0.0.0/8', 'fd00::/8'].map(toNetwork).filter((each) => each !== null);
    expect(isInNetworks('10.1.2.3', networks)).toBe(true);
    expect(isInNetworks('::ffff:10.1.2.3', networks)).toBe(true);
    expect(isInNetworks('fd00::1', networks)).toBe(true);
    expect(isInNetworks('192.168.1.1', networks)).toBe(false);
    const wrong = [
      ...['10.0.0.0', '10.0.0.0/33', 'x/8', '', '10/8', '010.0.0.0/8', '10.1.0.0/8', '0xa.0.0.0/8'],
      ...['fd00::1/8', '::ffff:10.0.0.0/104'],
    ];
    expect(wrong.map(toNetwork)).toEqual(wrong.map(() => null));
  });
});

describe('a delivery', () => {
  it('reaches no private address, however it is written', async () => {
    const before = receiver.received.length;
    const hosts = [
      ...['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', 'localhost', '0.0.0.0'],
      ...['[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
    ];
    for (const host of hosts) {
      for (const scheme of ['http', 'https']) {
        const attempt = await sendTo(`${scheme}://${host}:${receiver.port}/`);
        expect(attempt, `${scheme} ${host}`).toMatchObject({ result: 'not_allowed', status: null });
      }
    }
    expect(receiver.received.length).toBe(before);
  });

  it('in clear reaches only a network that is named', async () => {
    expect(await sendTo('http://93.184.215.14/')).toMatchObject({ result: 'not_allowed' });
    for (const url of [`http://localhost:${receiver.port}/`, 'https://93.184.215.14:22/']) {
      expect(await sendTo(url, ['10.0.0.0/8'])).toMatchObject({ result: 'not_allowed' });
    }
  });

  it.each([
    [200, 'delivered'],
    [202, 'delivered'],
    [301, 'redirected'],
    [307, 'redirected'],
    [400, 'refused'],
    [404, 'refused'],
    [408, 'failed'],
    [410, 'gone'],
    [429, 'failed'],
    [500, 'failed'],
    [503, 'failed'],
  ])('that is answered with %s is %s, and not sent elsewhere', async (status, result) => {
    const before = receiver.received.length;
    receiver.behave((_delivery, response) =>
      response.writeHead(status, { location: `${receiver.url}/elsewhere` }).end('x'.repeat(10_000)),
    );
    const attempt = await sendTo(`${receiver.url}/hook`, ['127.0.0.0/8']);
    expect(attempt).toMatchObject({ result, status });
    expect(receiver.received.slice(before).map(({ path }) => path)).toEqual(['/hook']);
  });

  it('tells when the receiver wants the next attempt', async () => {
    const asks = async (header: string): Promise<number | null> => {
      receiver.behave((_delivery, response) =>
        response.writeHead(503, { 'retry-after': header }).end(),
      );
      return (await sendTo(receiver.url, ['127.0.0.0/8'])).retryAfterMs;
    };
    expect(await asks('120')).toBe(120_000);
    expect(await asks('999999')).toBe(3_600_000);
    expect(await asks('soon')).toBeNull();
    const date = await asks(new Date(Date.now() + 60_000).toUTCString());
    expect(date).toBeGreaterThan(50_000);
    expect(date).toBeLessThanOrEqual(60_000);
  });

  it('that is not answered ends, and so does one to nobody', async () => {
    receiver.behave(() => {});
    const sender = senderTo(receiver.url, ['127.0.0.0/8']);
    const attempt = await sender.send(message, AbortSignal.timeout(500));
    expect(attempt).toMatchObject({ result: 'unreachable', status: null });
    await sender.close();
    const nobody = await startWebhookReceiver();
    await nobody.stop();
    expect(await sendTo(nobody.url, ['127.0.0.0/8'])).toMatchObject({ result: 'unreachable' });
  });
});
