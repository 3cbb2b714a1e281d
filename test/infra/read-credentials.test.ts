import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  readCredentials as readNow,
  type CredentialSource,
} from '../../src/boot/read-credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'credentials-'));
const secret = 'a-very-secret-key';
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/role') return response.end(JSON.stringify(ours));
    if (request.url === '/elsewhere') return response.writeHead(302, { location: '/role' }).end();
    return response.writeHead(403).end(secret);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : '';
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const ours = { SECRET_ID: 'AKIDsts', SECRET_KEY: secret, expiresAt: '2026-11-27T16:00:00Z' };

const names = ['SECRET_ID', 'SECRET_KEY', 'SESSION_TOKEN'];
const readCredentials = (source: CredentialSource) =>
  readNow(source, names, Date.UTC(2026, 10, 27, 15));

function file(text: string): CredentialSource {
  const path = join(folder, 'credentials.json');
  writeFileSync(path, text);
  return { file: path };
}

describe('the source of credentials', () => {
  const expected = {
    settings: { SECRET_ID: 'AKIDsts', SECRET_KEY: secret },
    expiresAtMs: Date.UTC(2026, 10, 27, 16),
  };

  it('may be a file', async () => {
    expect(await readCredentials(file(JSON.stringify(ours)))).toEqual(expected);
  });

  it('may be a command', async () => {
    const command = [process.execPath, '-p', JSON.stringify(JSON.stringify(ours))] as const;
    expect(await readCredentials({ command: [...command] })).toEqual(expected);
  });

  it('may be a URL', async () => {
    expect(await readCredentials({ url: `${url}/role` })).toEqual(expected);
  });

  it('may answer as the metadata service of Tencent Cloud', async () => {
    const answer = {
      ...{ TmpSecretId: 'AKIDsts', TmpSecretKey: secret, Token: 'a-token', RequestId: 'r' },
      ...{ ExpiredTime: 1_795_795_200, Expiration: '2026-11-27T16:00:00Z', Code: 'Success' },
    };
    expect(await readCredentials(file(JSON.stringify(answer)))).toEqual({
      settings: { SECRET_ID: 'AKIDsts', SECRET_KEY: secret, SESSION_TOKEN: 'a-token' },
      expiresAtMs: 1_795_795_200_000,
    });
  });

  it('may answer with credentials without an end', async () => {
    const { expiresAt: _end, ...endless } = ours;
    expect(await readCredentials(file(JSON.stringify(endless)))).toMatchObject({
      expiresAtMs: null,
    });
  });

  it.each<[string, () => CredentialSource]>([
    ['a file that is not there', () => ({ file: join(folder, 'none') })],
    ['no JSON', () => file(`{"SECRET_KEY": "${secret}"`)],
    ['nothing', () => file('{}')],
    ['an error', () => file(JSON.stringify({ Code: 'InternalError', Message: secret }))],
    ['no text', () => file(JSON.stringify({ SECRET_KEY: null, RequestId: secret }))],
    [
      'an end in the past',
      () => file(JSON.stringify({ ...ours, expiresAt: '2026-11-27T14:59:59Z' })),
    ],
    ['an end that is no time', () => file(JSON.stringify({ ...ours, expiresAt: secret }))],
    ['a refusal', () => ({ url: `${url}/none` })],
    ['a redirect', () => ({ url: `${url}/elsewhere` })],
    ['a failure', () => ({ command: [process.execPath, '-e', `throw new Error('${secret}')`] })],
  ])('is reported without a value if there is %s', async (_what, source) => {
    const error: unknown = await readCredentials(source()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).not.toContain(secret);
  });
});
