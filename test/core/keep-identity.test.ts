import { describe, expect, it } from 'vitest';
import type { OutcomeAnswer, ToldIdentity, VerificationResult } from '../../src/contract/index.ts';
import { readVerifications } from '../../src/core/verifications/read-verifications.ts';
import { startVerification } from '../../src/core/verifications/start-verification.ts';
import { probeWith } from '../support/probe-with.ts';
import { callerOf, createTestCore, passedAnswer } from '../support/test-core.ts';

const day = 24 * 3600 * 1000;
const person: ToldIdentity = {
  ...{ source: 'PROVIDER_RECORD', name: ' 韦小宝 ', idNumber: '11204416541220243x' },
  ...{ personCode: '', document: null },
};
const media = [
  { kind: 'LIVENESS_VIDEO', address: 'https://bucket.example/video.mp4' },
  { kind: 'BEST_FRAME', address: 'http://bucket.example/frame.jpg' },
  { kind: 'BEST_FRAME', address: '/9j/4AAQSkZJRg' },
] as const;

const answer = (more: Partial<VerificationResult>): OutcomeAnswer => ({
  ...passedAnswer,
  result: { ...passedAnswer.result, ...more },
});

/** The record of a verification that ended with this answer. */
async function ended(told: OutcomeAnswer, input: object = {}) {
  const core = createTestCore({
    definitions: [probeWith({ channels: { FACE_WEB: { retentionSeconds: 30 * 24 * 3600 } } })],
  });
  const outcome = await startVerification(
    ...([core.deps, callerOf()] as const),
    {
      ...{ idempotencyKey: 'k', channel: 'FACE_WEB' },
      ...{ subject: { name: '韦小宝', idNumber: '11204416541220243X' } },
      ...input,
    },
    core.deps.now() + 9000,
  );
  if (outcome.kind !== 'success') throw new Error(outcome.problem.code);
  const { id } = outcome.verification;
  const read = async () => {
    const [record] = await readVerifications(core.deps, callerOf(), [id], core.deps.now() + 9000);
    if (!record || record instanceof Error) throw new Error('it cannot be read');
    return record;
  };
  expect(outcome.verification.subjectHashes).not.toBeUndefined();
  core.provider.reply(() => told);
  core.clock.ms += 2000;
  return { core, record: await read(), read };
}

describe('the identity that a provider tells', () => {
  it('is masked and compared in its normal form', async () => {
    const { record } = await ended(answer({ identity: person }));
    expect(record).toMatchObject({
      ...{ status: 'PASSED', subjectHashes: null },
      identity: {
        ...{ nameMasked: '韦*宝', idNumberMasked: '112***********243x', matchesSubject: true },
        ...{ personCode: null, clear: null },
      },
    });
    expect(JSON.stringify(record)).not.toContain('韦小宝');
  });

  it.each([
    ['another name', { name: '韦小贝' }],
    ['another number', { idNumber: '110105199003072039' }],
  ])('does not match with %s', async (_what, other) => {
    const { record } = await ended(answer({ identity: { ...person, ...other } }));
    expect(record.identity?.matchesSubject).toBe(false);
  });

  it.each([
    ['empty texts', { ...person, name: '', idNumber: '  ' }],
    ['nothing', null],
  ])('is null for %s: an empty name is no name', async (_what, identity) => {
    const { record } = await ended(answer({ identity }));
    expect(record.identity).toBeNull();
  });

  it.each(['FAILED', 'UNDETERMINED', 'CANCELLED'] as const)(
    'is not kept if the verification ended as %s',
    async (status) => {
      const { record } = await ended(answer({ status, identity: person }));
      expect(record).toMatchObject({ status, identity: null });
    },
  );

  it('is kept in clear for three days at most, also where an outcome is kept for longer', async () => {
    const { core, record, read } = await ended(answer({ identity: person }), { identity: 'FULL' });
    expect(record.identity?.clear).toMatchObject({ name: '韦小宝' });
    core.clock.ms += 3 * day - 10_000;
    expect((await read()).identity?.clear).not.toBeNull();
    core.clock.ms += 20_000;
    expect(await read()).toMatchObject({ status: 'PASSED', identity: null });
  });

  it('is nothing at the level NONE, and nothing is kept to compare with', async () => {
    const { record } = await ended(answer({ identity: person }), { identity: 'NONE' });
    expect(record).toMatchObject({ identity: null, subjectHashes: null });
  });
});

describe('the recordings that a provider tells', () => {
  it.each(['PASSED', 'FAILED'] as const)('are https addresses only: %s', async (status) => {
    const { record } = await ended(answer({ status, media }));
    expect(record.media).toEqual([media[0]]);
  });

  it.each([
    ['media', { media: 'https://bucket.example/video.mp4' as never }],
    ['an address', { media: [{ kind: 'BEST_FRAME' }, null, media[0]] as never }],
    ['an identity', { identity: 'somebody' as never }],
    ['a document', { identity: { ...person, document: 'a passport' as never } }],
  ])(
    'never cost the outcome, whatever a plugin in JavaScript returns as %s',
    async (_what, odd) => {
      const { record } = await ended(answer(odd));
      expect(record.status).toBe('PASSED');
    },
  );
});
