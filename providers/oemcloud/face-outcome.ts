import {
  ended,
  lookUp,
  type OutcomeAnswer,
  type VerificationResult,
} from '../../src/contract/plugin-api.ts';
import type { FlowState } from './api.ts';
import { failureCodes, flowCodes, flowStatuses } from './mapping.ts';

// No document says when a unit is charged, and no response reports it, so billing is UNKNOWN.

/** The outcome for the state that a query returned. An unknown status word never ends a flow. */
export function toFaceOutcome(state: FlowState): OutcomeAnswer {
  const status = state.status ?? null;
  switch (lookUp(flowStatuses, status)) {
    case 'PENDING':
      return { kind: 'pending' };
    case 'PASSED':
      return ended({
        ...{ ...passed, code: status, ...measuresOf(state) },
        // The query repeats what the start gave: a wrong name would not have passed.
        identity: {
          ...{ source: 'CALLER', name: state.name, idNumber: state.idNumber },
          ...{ personCode: null, document: null },
        },
      });
    case 'FAILED':
      return toFailure(state.failedReasonCode ?? null, measuresOf(state));
    case undefined:
      return { kind: 'not_told' };
  }
}

/** The outcome for a code that came instead of a state. */
export function toFlowCodeOutcome(code: string): OutcomeAnswer {
  const meaning = lookUp(flowCodes, code) ?? 'not_told';
  if (meaning !== 'expired') return { kind: meaning };
  return ended({
    status: 'EXPIRED',
    code,
    reason: 'TIMED_OUT',
    message: '认证流程已失效',
  });
}

/** The outcome for a notification: a boolean, and an optional code. */
export function toNotifiedOutcome(success: boolean, failCode: string | null): OutcomeAnswer {
  return success ? ended({ ...passed, code: null }) : toFailure(failCode);
}

type Measures = Pick<VerificationResult, 'similarity' | 'completedAtMs' | 'details'>;

const passed = { status: 'PASSED', reason: 'VERIFIED', message: '刷脸认证通过' } as const;

function toFailure(code: string | null, measures: Partial<Measures> = {}): OutcomeAnswer {
  const meaning = lookUp(failureCodes, code) ?? {
    status: 'FAILED',
    reason: 'OTHER',
    message: '刷脸认证失败',
  };
  return ended({ ...meaning, code: code ?? 'FAIL', ...measures });
}

function measuresOf({ similarity, completedAtMs, livingScore }: FlowState): Measures {
  const details = livingScore === null ? null : { __typename: 'OemcloudFaceDetails', livingScore };
  return { similarity, completedAtMs, details };
}
