import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'breaking-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const released = readFileSync('schema/released.graphql', 'utf8');

/** The result of `npm run schema:breaking` for the released SDL with this change. */
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

describe('the check for breaking changes', () => {
  it.each<[string, (sdl: string) => string, string]>([
    [
      'a removed field',
      (sdl) => sdl.replace('nextPollAfterMs: Int', 'nextPollMs: Int'),
      "Field 'nextPollAfterMs'",
    ],
    [
      'a field that became nullable',
      (sdl) => sdl.replace('status: VerificationStatus!', 'status: VerificationStatus'),
      "'Verification.status' changed type",
    ],
    [
      'an argument that became required',
      (sdl) => sdl.replace('maxAgeDays: Int', 'maxAgeDays: Int!'),
      'maxAgeDays',
    ],
    [
      'a removed enum value',
      (sdl) => sdl.replace(/^ {2}INTENTION$/mu, '  INTENTIONS'),
      'INTENTION',
    ],
    [
      'a new required input field',
      (sdl) => sdl.replace('phone: String!', 'phone: String!\n  email: String!'),
      'email',
    ],
  ])('fails for %s, and names it', (_name, change, named) => {
    const { status, said, isChanged } = check(change);
    expect(isChanged).toBe(true);
    expect(said).toContain('breaks consumers: ');
    expect(said).toContain(named);
    expect(status).toBe(1);
  });

  it('accepts a new field', () => {
    const more = (sdl: string) =>
      sdl.replace('nextPollAfterMs: Int', 'nextPollAfterMs: Int\n  more: Int');
    expect(check(more)).toMatchObject({ status: 0, isChanged: true });
  });

  it('accepts an unchanged SDL', () => {
    expect(check((sdl) => sdl)).toEqual({ status: 0, said: '', isChanged: false });
  });
});
