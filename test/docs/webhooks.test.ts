import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readWebhooksFile } from '../../src/boot/read-webhooks-file.ts';
import { Secret } from '../../src/contract/index.ts';
import { createWebhookSender } from '../../src/infra/webhooks/send-webhook.ts';
import { toWebhookMessage } from '../../src/infra/webhooks/webhook-message.ts';
import { readBlocks } from '../support/read-blocks.ts';

// The file and the receiver of docs/webhooks.md, as they stand there.

const blocks = readBlocks('docs/webhooks.md');
const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'webhooks-'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'receiver.mjs'), blocks.get('receiver.js') ?? '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docs/webhooks.md', () => {
  it('has a file of endpoints that is right', () => {
    const files: Readonly<Record<string, string>> = {
      'webhooks.yaml': blocks.get('webhooks.yaml') ?? '',
      '/run/secrets/crm-webhook': `${secret}\n`,
      '/run/secrets/billing-webhook': `${secret}\n${secret}\n`,
    };
    const readFile = (path: string): string => files[path] ?? '';
    const { endpoints, mistakes } = readWebhooksFile(
      { readFile, parseYaml: parse },
      'webhooks.yaml',
    );
    expect(mistakes).toEqual([]);
    expect(endpoints).toMatchObject([
      { id: 'crm', tenantId: 'acme', privateNetworks: [], secrets: [{}] },
      { id: 'billing', kinds: ['verification.ended'], secrets: [{}, {}] },
    ]);
    expect(endpoints[0]?.kinds).toHaveLength(4);
  });

  it('has a receiver that takes what is signed, and nothing else', async () => {
    const path = pathToFileURL(join(folder, 'receiver.mjs')).href;
    const { receiveWebhooks } = (await import(path)) as {
      readonly receiveWebhooks: (options: {
        readonly secret: string;
        readonly handle: (event: unknown, id: string) => Promise<void>;
      }) => Server;
    };
    const handled: unknown[] = [];
    let isBroken = false;
    const server = receiveWebhooks({
      secret,
      handle: async (event, id) => {
        if (isBroken) throw new Error('not now');
        handled.push([event, id]);
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    const message = toWebhookMessage({
      ...{ kind: 'verification.ended', recordId: 'ver_1', tenantId: 'acme', status: 'PASSED' },
      atMs: Date.UTC(2026, 10, 27, 8, 30),
    });
    const sendWith = async (text: string) => {
      const sender = createWebhookSender(
        { now: Date.now },
        {
          url: `http://127.0.0.1:${port}/`,
          secrets: [new Secret(text)],
          privateNetworks: ['127.0.0.0/8'],
        },
      );
      const attempt = await sender.send(message);
      await sender.close();
      return attempt;
    };
    expect(await sendWith(secret)).toMatchObject({ result: 'delivered', status: 204 });
    const data = { id: 'ver_1', tenantId: 'acme', status: 'PASSED' };
    const event = { type: 'verification.ended', timestamp: '2026-11-27T08:30:00.000Z', data };
    expect(handled).toEqual([[event, message.id]]);
    expect(blocks.get('receiver.js')).not.toBeUndefined();
    const other = `whsec_${Buffer.alloc(32, 6).toString('base64')}`;
    expect(await sendWith(other)).toMatchObject({ result: 'refused', status: 401 });
    isBroken = true;
    expect(await sendWith(secret)).toMatchObject({ result: 'failed', status: 500 });
    expect(handled).toHaveLength(1);
    await new Promise((resolve) => server.close(resolve));
  });
});
