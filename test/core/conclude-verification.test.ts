import { describe, expect, it } from 'vitest';
import type { OutcomeAnswer, TerminalStatus } from '../../src/contract/index.ts';
import { concludeVerification } from '../../src/core/verifications/conclude-verification.ts';
import type { VerificationRecord } from '../../src/core/records/records.ts';
import { passedAnswer } from '../support/test-core.ts';

const record: VerificationRecord = {
  kind: 'verification',
  id: 'ver_AAAAAAAAAAAAAAAAAAAAAA',
  tenantId: 't',
  userId: 'u',
  callerId: 'u',
  providerId: 'probe',
  account: 'default',
  channel: 'FACE_WEB',
  sandbox: true,
  status: 'PENDING',
  checks: ['LIVENESS'],
  createdAtMs: 0,
  startedAtMs: 0,
  expiresAtMs: 600_000,
  lastAskedAtMs: null,
  lastCheckedAtMs: null,
  redactedAtMs: null,
  isPublished: false,
  phase: 'WAITING_FOR_PERSON',
  launchFollows: false,
  personalUntilMs: 0,
  cacheKeys: [],
  launch: { kind: 'redirect', url: 'https://provider.example' },
  session: { token: 'T' },
  outcome: null,
  extra: null,
  redirectUrl: null,
  consentRef: null,
  identityLevel: 'MASKED',
  subjectHashes: null,
  identity: null,
  media: [],
  flowId: null,
  calls: '',
  hasReturned: false,
  handoffUses: 0,
  lastHandoff: null,
};

describe('concluding a verification', () => {
  it.each<TerminalStatus>(['PASSED', 'FAILED', 'EXPIRED', 'CANCELLED', 'UNDETERMINED'])(
    'never changes the terminal status %s',
    (status) => {
      const ended = { ...record, status };
      const answers: OutcomeAnswer[] = [
        passedAnswer,
        { kind: 'pending', chargedAttempts: null },
        { kind: 'not_told', chargedAttempts: null },
      ];
      for (const answer of answers) {
        expect(
          concludeVerification(ended, answer, {
            nowMs: 10_000_000,
            askedMs: 10_000_000,
            graceSeconds: 60,
            evidence: 'QUERIED',
          }),
        ).toBe(ended);
      }
    },
  );

  it('expires it at expiry plus the grace period, to the millisecond of the question', () => {
    const pending: OutcomeAnswer = { kind: 'pending', chargedAttempts: null };
    // The time of the question counts: a response does not show what happened after the question.
    const at = (askedMs: number) => {
      const terms = { nowMs: askedMs + 4000, askedMs, graceSeconds: 60 };
      return concludeVerification(record, pending, { ...terms, evidence: 'QUERIED' }).status;
    };
    expect(at(659_999)).toBe('PENDING');
    expect(at(660_000)).toBe('EXPIRED');
  });
});
