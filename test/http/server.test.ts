import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { sealCapability } from '../../src/core/records/capability.ts';
import { freePort } from '../support/free-port.ts';
import { checkMutation, startMutation } from '../support/operations.ts';
import { startTestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
});

async function app(options: Parameters<typeof startTestApp>[0] = {}) {
  const started = await startTestApp(options);
  cleanUp.push(() => started.stop());
  return started;
}

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

/** The process as `npm start` runs it. */
async function run(env: Record<string, string> = {}): Promise<Running> {
  const port = env['PORT'] ?? String(await freePort());
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { PATH: process.env['PATH'] ?? '', PORT: port, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += String(chunk);
    });
  }
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  cleanUp.push(() => child.kill('SIGKILL'));
  return { child, url: `http://127.0.0.1:${port}`, output: () => text, exit };
}

/** A connection that has served one request and has another in flight. */
async function keepOpen(url: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.on('error', () => {});
  // The service does not close it while a request is under way.
  socket.write('POST /graphql HTTP/1.1\r\nHost: x\r\n');
  await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    ask: async (_request: string) => {
      socket.write('Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
      await new Promise((resolve) => socket.once('close', resolve));
      return text;
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/health/ready`).then(
    ({ status }) => status === 200,
    () => false,
  );
}

describe('the process', () => {
  it('prints its URLs, and that it stores nothing and calls no real provider', async () => {
    const running = await run();
    await until(() => isReady(running.url));
    await until(async () => running.output().includes('Click here'));
    expect(running.output()).toContain('/graphiql');
    expect(running.output()).toContain('no real provider is called');
    expect(running.output()).toContain('in memory');
  });

  it('ends on SIGTERM when npm started it', async () => {
    const port = await freePort();
    const npm = spawn('npm', ['start'], {
      env: { ...process.env, PORT: String(port) },
      stdio: 'ignore',
    });
    const url = `http://127.0.0.1:${port}`;
    await until(() => isReady(url), 30_000);
    npm.kill('SIGTERM');
    await until(
      () =>
        fetch(`${url}/health/live`).then(
          () => false,
          () => true,
        ),
      30_000,
    );
    expect(npm.killed).toBe(true);
  });

  it('answers requests in flight on SIGTERM, accepts no new ones, and ends', async () => {
    const running = await run();
    await until(() => isReady(running.url));
    // The emulated provider stays silent, so this is in flight for six seconds.
    const slow = fetch(`${running.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: checkMutation,
        variables: {
          input: {
            idempotencyKey: 'slow',
            subject: { name: 'sandbox:wire-timeout', idNumber: '11204416541220243X' },
            cardNumber: '6225768888888888',
            phone: '16137688175',
          },
        },
      }),
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const kept = await keepOpen(running.url);
    running.child.kill('SIGTERM');
    await until(async () => !(await isReady(running.url)));
    // As npm passes on a signal that its whole process group has got.
    running.child.kill('SIGTERM');
    running.child.kill('SIGINT');
    // Over an open connection, as gateways keep them.
    const late = await kept.ask('POST /graphql');
    expect(late).toMatch(/^HTTP\/1\.1 503 /u);
    expect(late).toMatch(/connection: close/iu);
    const [, body = ''] = late.split('\r\n\r\n');
    expect(JSON.parse(body)).toMatchObject({
      errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    const answer = await (await slow).text();
    expect(answer).toContain('OUTCOME_UNKNOWN');
    expect(await running.exit).toBe(0);
  });

  it('waits on SIGTERM for a call whose caller has left', async () => {
    const running = await run();
    await until(() => isReady(running.url));
    const body = {
      query: checkMutation,
      variables: {
        input: {
          idempotencyKey: 'left',
          subject: { name: 'sandbox:wire-timeout', idNumber: '11204416541220243X' },
          cardNumber: '6225768888888888',
          phone: '16137688175',
        },
      },
    };
    const answer = await fetch(`${running.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-deadline-ms': '300' },
      body: JSON.stringify(body),
    });
    expect(await answer.text()).toContain('IN_PROGRESS');
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(0);
    expect(running.output()).toContain('"outcome":"timeout"');
  });

  it('ends although nobody reads its output any more', async () => {
    const running = await run({ LOG_LEVEL: 'info' });
    await until(() => isReady(running.url));
    running.child.stdout?.destroy();
    running.child.stderr?.destroy();
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(0);
  });

  it('prints the mistakes of other settings together with those in PROVIDERS', async () => {
    const running = await run({
      PROVIDERS: './nothing.ts',
      PORT: 'CANARY',
      ROUTING: 'FACE_WEB=acme;E_ID=tencent-cn,tencent-cn;FACE_ALIPAY=oemcloud,acme',
    });
    expect(await running.exit).toBe(1);
    expect(running.output()).toContain('PROVIDERS names ./nothing.ts: there is no such file');
    expect(running.output()).toContain('PORT must be a port');
    expect(running.output()).toContain('ROUTING of E_ID names a provider twice');
    expect(running.output()).not.toContain('ROUTING of FACE');
  });

  it('reads PROVIDERS from a file, too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'providers-'));
    cleanUp.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'names'), './nothing.ts\n');
    const running = await run({ PROVIDERS_FILE: join(folder, 'names') });
    expect(await running.exit).toBe(1);
    expect(running.output()).toContain('PROVIDERS names ./nothing.ts: there is no such file');
  });

  it('says that HOST is wrong, without its value', async () => {
    const running = await run({ HOST: 'canary.invalid' });
    expect(await running.exit).toBe(1);
    expect(running.output()).toContain('HOST is no address of this machine');
    expect(running.output()).not.toContain('canary');
  });

  it('prints every wrong setting at once, and exits with 1', async () => {
    const running = await run({ PORT: 'CANARY', GRAPHIQL: 'CANARY' });
    expect(await running.exit).toBe(1);
    expect(running.output()).toContain('PORT must be a port');
    expect(running.output()).toContain('GRAPHIQL must be');
    expect(running.output()).not.toContain('CANARY');
    expect(running.output()).not.toContain('    at ');
  });

  it('prints a way out when its port is taken', async () => {
    const { config } = await app();
    const running = await run({ PORT: String(config.port) });
    expect(await running.exit).toBe(1);
    expect(running.output()).toContain('Set PORT to a free one');
  });
});

describe('the listeners', () => {
  it('serve health and metrics', async () => {
    const { url, send } = await app();
    await send(startMutation, { input: { idempotencyKey: 'm', channel: 'E_ID' } });
    expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: 'live' });
    expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({ status: 'ready' });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(
      'verification_upstream_calls_total{provider="tencent-cn",account="default",action="GetEidToken",outcome="ok"} 1',
    );
    expect(metrics).toContain(
      'verification_claims_total{operation="startVerification",state="won"} 1',
    );
  });

  it('serve only the return URL on the public port', async () => {
    const publicPort = await freePort();
    const { url } = await app({ env: { PUBLIC_PORT: String(publicPort) } });
    const publicUrl = `http://127.0.0.1:${publicPort}`;
    expect((await fetch(`${publicUrl}/return/made-up`)).status).toBe(410);
    expect((await fetch(`${url}/return/made-up`)).status).toBe(404);
    for (const path of [
      '/graphql',
      '/graphiql',
      '/health/live',
      '/metrics',
      '/sandbox/scenarios',
    ]) {
      expect((await fetch(`${publicUrl}${path}`)).status).toBe(404);
    }
  });

  it('lead a person through a verification with two ports', async () => {
    const publicPort = await freePort();
    const { url, send } = await app({ env: { PUBLIC_PORT: String(publicPort) } });
    const { data } = await send(startMutation, { input: { idempotencyKey: 'p', channel: 'E_ID' } });
    const { launch } = data.startVerification.verification;
    expect(new URL(launch.url).port).toBe(new URL(url).port);
    // A busy process refuses pages with 503.
    await until(async () => (await fetch(launch.url)).status === 200);
    const done = await fetch(launch.url, {
      method: 'POST',
      body: new URLSearchParams({ act: 'pass' }),
    });
    expect(new URL(done.url).port).toBe(String(publicPort));
    expect(await done.text()).toContain('The verification is over');
  });

  it('never repeat the path of a request', async () => {
    const { url } = await app();
    for (const path of [
      `/return/${'A'.repeat(2000)}CANARY`,
      '/return/%E0%A4%ACANARY',
      '/%CANARY',
    ]) {
      const response = await fetch(`${url}${path}`);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(await response.text()).not.toContain('CANARY');
    }
  });

  it('redirect / to GraphiQL, and answer GET /graphql with 405', async () => {
    const { url } = await app();
    const get = await fetch(`${url}/graphql`);
    expect(get.status).toBe(405);
    expect(get.headers.get('allow')).toBe('POST');
    expect((await fetch(url)).url).toBe(`${url}/graphiql`);
  });

  it('show a bilingual page without a referrer for an expired return URL', async () => {
    const { url } = await app();
    const response = await fetch(`${url}/return/${'A'.repeat(60)}`);
    expect(response.status).toBe(410);
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const html = await response.text();
    expect(html).toContain('链接已失效');
    expect(html).toContain('no longer valid');
  });

  it('redirect without a referrer and without caching', async () => {
    const { url, send } = await app();
    const redirectUrl = 'http://localhost:1/done';
    const { data } = await send(startMutation, {
      input: { idempotencyKey: 'back', channel: 'E_ID', redirectUrl },
    });
    const { id, launch } = data.startVerification.verification;
    await fetch(launch.url);
    const body = new URLSearchParams({ act: 'pass' });
    const done = await fetch(launch.url, { method: 'POST', body, redirect: 'manual' });
    const way = (done.headers.get('location') ?? '').replace('http://localhost:4001', url);
    const back = await fetch(way.replace(/^http:\/\/[^/]+/u, url), { redirect: 'manual' });
    expect(back.status).toBe(303);
    expect(back.headers.get('location')).toBe(`${redirectUrl}?verificationId=${id}`);
    expect(back.headers.get('referrer-policy')).toBe('no-referrer');
    expect(back.headers.get('cache-control')).toBe('no-store');
  });

  it('end slow headers and slow bodies with 408', async () => {
    const { config } = await app();
    const answerTo = (start: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(config.port, '127.0.0.1', () => socket.write(start));
        let text = '';
        socket.on('data', (chunk) => {
          text += String(chunk);
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
      });
    const [headers, body] = await Promise.all([
      answerTo('POST /graphql HTTP/1.1\r\nHost: x\r\n'),
      answerTo(
        'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
      ),
    ]);
    expect(headers).toContain('408');
    expect(body).toContain('408');
  });

  it('reject a request by its path before they read its body', async () => {
    const publicPort = await freePort();
    const { config } = await app({ env: { PUBLIC_PORT: String(publicPort) } });
    /** The response to the head of a request whose body never comes. */
    const answerTo = (port: number, request: string, type: string): Promise<string> =>
      new Promise((resolve) => {
        const head = `${request} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 9000000\r\n\r\n`;
        const socket = connect(port, '127.0.0.1', () => socket.write(head));
        socket.once('data', (chunk) => {
          socket.destroy();
          resolve(String(chunk).split('\r\n')[0] ?? '');
        });
        socket.on('error', () => {});
      });
    const made = 'A'.repeat(60);
    for (const [port, request, status] of [
      [publicPort, 'POST /', 404],
      [publicPort, 'POST /graphql', 404],
      [publicPort, 'POST /return/x', 404],
      [publicPort, `POST /callbacks/oemcloud/${made}`, 404],
      [publicPort, 'POST /callbacks/tencent-cn/account', 404],
      [config.port, 'POST /elsewhere', 404],
      [config.port, 'POST /metrics', 404],
      [config.port, 'PUT /graphql', 405],
      [config.port, 'DELETE /health/live', 404],
    ] as const) {
      // The sandbox also reads forms, from the page of the person.
      for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
        const answer = await answerTo(port, request, type);
        expect(answer, `${request} ${type}`).toMatch(new RegExp(` ${status} `, 'u'));
      }
    }
  });

  it('restrict framing and form targets of every page', async () => {
    const { url, send } = await app();
    const { data } = await send(startMutation, { input: { idempotencyKey: 'c', channel: 'E_ID' } });
    const person = data.startVerification.verification.launch.url;
    for (const page of [`${url}/graphiql`, `${url}/return/made-up`, person]) {
      const policy = (await fetch(page)).headers.get('content-security-policy') ?? '';
      expect(policy, page).toContain("frame-ancestors 'none'");
      expect(policy, page).toContain("base-uri 'none'");
      // Chrome also applies it to redirects after the form of the person's page.
      if (page !== person) expect(policy, page).toContain("form-action 'none'");
    }
  });

  it('serve GraphiQL only when it is enabled', async () => {
    const { url } = await app({ env: { GRAPHIQL: 'off' } });
    expect((await fetch(`${url}/graphiql`)).status).toBe(404);
  });
});

describe('notifications', () => {
  it('have a size limit, may be of any media type, and get 404 for an unknown capability', async () => {
    const { url, config } = await app();
    const post = (body: string, type = 'application/json', capability = 'made-up') =>
      fetch(`${url}/callbacks/oemcloud/${capability}`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
    const ours = sealCapability(config.hashKeys, {
      purpose: 'callback',
      recordId: `ver_${'A'.repeat(22)}`,
      expiresAtMs: Date.now() + 60_000,
    });
    expect((await post('x'.repeat(64 * 1024 + 1), 'text/plain', ours)).status).toBe(413);
    for (const type of [
      ...['application/json', 'text/plain', 'application/x-nobody-knows', 'json', ''],
      ...['text/plain; charset=ISO-8859-1', 'application/json; charset=GBK'],
    ]) {
      const answer = await post('<html>', type);
      expect(answer.status).toBe(404);
      expect(await answer.text()).toBe('');
    }
    expect((await fetch(`${url}/callbacks/oemcloud/made-up`)).status).toBe(404);
    const head = await fetch(`${url}/callbacks/oemcloud/made-up`, { method: 'HEAD' });
    expect(head.status).toBe(404);
  });
});
