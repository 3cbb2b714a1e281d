import type { OutcomeAnswer, VerificationResult } from '../../src/contract/plugin-api.ts';
import { lookUp } from '../shared/tables.ts';
import type { FlowState } from './api.ts';
import { failureCodes, flowCodes, flowStatuses } from './mapping.ts';

/** When a unit is spent is not documented, so that no answer says whether one was. */
const unknownCharge = { billing: 'UNKNOWN', chargedAttempts: null } as const;

/** What a query's state says. A status word that is not known never ends a flow. */
export function toFaceOutcome(state: FlowState): OutcomeAnswer {
  const status = state.status ?? null;
  switch (lookUp(flowStatuses, status)) {
    case 'PENDING':
      return { kind: 'pending', chargedAttempts: null };
    case 'PASSED':
      return ended({ ...passed, code: status, ...measuresOf(state) });
    case 'FAILED':
      return toFailure(state.failedReasonCode ?? null, measuresOf(state));
    case undefined:
      return { kind: 'not_told', chargedAttempts: null };
  }
}

/** What a code says that came in place of a state. */
export function toFlowCodeOutcome(code: string): OutcomeAnswer {
  const meaning = lookUp(flowCodes, code) ?? 'not_told';
  if (meaning !== 'expired') return { kind: meaning, chargedAttempts: null };
  return ended({
    status: 'EXPIRED',
    code,
    reason: 'TIMED_OUT',
    message: 'The link is over.',
    ...noMeasures,
  });
}

/** What a notification says: a truth value, and perhaps a code. */
export function toNotifiedOutcome(success: boolean, failCode: string | null): OutcomeAnswer {
  return success
    ? ended({ ...passed, code: null, ...noMeasures })
    : toFailure(failCode, noMeasures);
}

type Measures = Pick<VerificationResult, 'similarity' | 'completedAtMs' | 'details'>;

const passed = { status: 'PASSED', reason: 'VERIFIED', message: 'Passed.' } as const;
const noMeasures: Measures = { similarity: null, completedAtMs: null, details: null };

function toFailure(code: string | null, measures: Measures): OutcomeAnswer {
  const meaning = lookUp(failureCodes, code) ?? {
    status: 'FAILED',
    reason: 'OTHER',
    message: 'The verification failed.',
  };
  return ended({ ...meaning, code: code ?? 'FAIL', ...measures });
}

function measuresOf({ similarity, completedAtMs, livingScore }: FlowState): Measures {
  const details = livingScore === null ? null : { __typename: 'OemcloudFaceDetails', livingScore };
  return { similarity, completedAtMs, details };
}

function ended(
  result: Omit<VerificationResult, keyof typeof unknownCharge>,
): Extract<OutcomeAnswer, { kind: 'ended' }> {
  return { kind: 'ended', result: { ...result, ...unknownCharge } };
}
