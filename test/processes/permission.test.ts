import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cardInput } from '../support/card-input.ts';
import { freePort } from '../support/free-port.ts';
import { checkMutation } from '../support/operations.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

// Under Node's permission model: without writing files, starting processes or threads, and native addons.

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the service without permissions', () => {
  it('checks a card, and writes no file', async () => {
    const redis = await startRedis();
    const port = await freePort();
    const key = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
    let output = '';
    const child = spawn(
      process.execPath,
      ['--permission', `--allow-fs-read=${root}`, 'src/main.ts'],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...{ PATH: process.env['PATH'] ?? '', PORT: String(port), REDIS_URL: redis.url },
          ...{ STORE_HASH_KEYS: key, STORE_ENCRYPTION_KEYS: key },
        },
      },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    }
    const exited = new Promise((resolve) => child.once('exit', resolve));
    try {
      const url = `http://127.0.0.1:${port}`;
      await until(() =>
        fetch(`${url}/health/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
      const answer = await until(async () => {
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: checkMutation, variables: { input: cardInput('韦小宝') } }),
        });
        const { data } = (await response.json()) as {
          data?: { checkBankCard?: { check?: { outcome?: string } } };
        };
        return data?.checkBankCard?.check?.outcome;
      });
      expect(answer).toBe('MATCHED');
      expect((await fetch(`${url}/metrics`)).status).toBe(200);
      expect((await fetch(`${url}/graphiql`)).status).toBe(200);
    } finally {
      child.kill('SIGTERM');
      await exited;
      await redis.stop();
    }
    expect(output).not.toContain('ERR_ACCESS_DENIED');
  });
});
