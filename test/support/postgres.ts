import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { postgresFolder } from '../../scripts/find-postgres.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

export interface PostgresServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** A server of its own on a free port, with an empty database. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = postgresFolder();
  if (folder === null) throw new Error('PostgreSQL is not installed: npm run pretest');
  const data = mkdtempSync(join(tmpdir(), 'postgres-'));
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? ownerFor(data) : {};
  const init = ['-D', data, '-U', 'tester', '-A', 'trust', '--no-sync'];
  execFileSync(join(folder, 'initdb'), init, { ...user, cwd: data, stdio: 'ignore' });
  const port = await freePort();
  const server = spawn(
    join(folder, 'postgres'),
    ['-D', data, '-p', String(port), '-k', data, '-c', 'listen_addresses=127.0.0.1'],
    { ...user, cwd: data, stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const url = `postgres://tester@127.0.0.1:${port}/postgres`;
  await until(async () => {
    const client = new pg.Client({ connectionString: url });
    return client.connect().then(
      async () => {
        await client.end();
        return true;
      },
      () => false,
    );
  }, 60_000);
  return {
    url,
    stop: async () => {
      // Waits for sessions to end. One that is ended by the server tells its client, which may have no listener any more.
      server.kill('SIGTERM');
      const impatient = setTimeout(() => server.kill('SIGQUIT'), 10_000);
      await exited;
      clearTimeout(impatient);
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function ownerFor(data: string): { readonly uid: number; readonly gid: number } {
  const idOf = (option: string): number => Number(execFileSync('id', [option, 'postgres']));
  const [uid, gid] = [idOf('-u'), idOf('-g')];
  chownSync(data, uid, gid);
  return { uid, gid };
}
