import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'breaking-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const released = readFileSync('schema/released.graphql', 'utf8');

/** What `npm run schema:breaking` says of the released SDL with this change. */
function check(change: (sdl: string) => string) {
  const path = join(folder, 'changed.graphql');
  const changed = change(released);
  writeFileSync(path, changed);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['scripts/check-breaking.ts', path],
    { encoding: 'utf8' },
  );
  return { status, said: `${stdout}${stderr}`, isChanged: changed !== released };
}

describe('a change of the SDL', () => {
  it.each<[string, (sdl: string) => string, string]>([
    [
      'a field that is gone',
      (sdl) => sdl.replace('nextPollAfterMs: Int', 'nextPollMs: Int'),
      "Field 'nextPollAfterMs'",
    ],
    [
      'a field that may be null now',
      (sdl) => sdl.replace('status: VerificationStatus!', 'status: VerificationStatus'),
      "'Verification.status' changed type",
    ],
    [
      'an argument that is needed now',
      (sdl) => sdl.replace('maxAgeDays: Int', 'maxAgeDays: Int!'),
      'maxAgeDays',
    ],
    [
      'a value that is gone',
      (sdl) => sdl.replace(/^ {2}INTENTION$/mu, '  INTENTIONS'),
      'INTENTION',
    ],
    [
      'an input field that is needed now',
      (sdl) => sdl.replace('phone: String!', 'phone: String!\n  email: String!'),
      'email',
    ],
  ])('breaks consumers: %s, and is named', (_name, change, named) => {
    const { status, said, isChanged } = check(change);
    expect(isChanged).toBe(true);
    expect(said).toContain('breaks consumers: ');
    expect(said).toContain(named);
    expect(status).toBe(1);
  });

  it('breaks nobody by a field more', () => {
    const more = (sdl: string) =>
      sdl.replace('nextPollAfterMs: Int', 'nextPollAfterMs: Int\n  more: Int');
    expect(check(more)).toMatchObject({ status: 0, isChanged: true });
  });

  it('breaks nobody where nothing has changed since the release', () => {
    expect(check((sdl) => sdl)).toEqual({ status: 0, said: '', isChanged: false });
  });
});
