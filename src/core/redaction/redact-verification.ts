import { StoreUnavailable } from '../../ports/index.ts';
import { demandScope, mayRead, type Caller } from '../callers/caller.ts';
import type { RecordDeps } from '../core-deps.ts';
import { problem, type Problem } from '../problem.ts';
import { redact } from './redact.ts';
import { decodeRecord, isRecordId, kindOf, type VerificationRecord } from '../records/records.ts';
import { userPasses, userRecords } from '../records/user-records.ts';

export type RedactVerificationOutcome =
  | { readonly kind: 'success'; readonly verification: VerificationRecord }
  | { readonly kind: 'problem'; readonly problem: Problem };

/**
 * Destroys the personal data of a verification. Its existence, its status and its times remain. Throws
 * `AccessDenied`.
 */
export async function redactVerification(
  deps: RecordDeps,
  caller: Caller,
  id: string,
): Promise<RedactVerificationOutcome> {
  demandScope(caller, 'verification:redact');
  const notFound = { kind: 'problem', problem: problem('NOT_FOUND') } as const;
  if (!isRecordId('verification', id)) return notFound;
  try {
    const [stored] = await deps.store.records.get([id]);
    const isOne = stored && kindOf(stored) === 'verification';
    const record = isOne ? decodeRecord('verification', stored) : null;
    if (!stored || !record || record.startedAtMs === null || !mayRead(caller, record)) {
      return notFound;
    }
    const redacted = await redact(deps, stored, caller.userId);
    await Promise.all([
      userRecords(deps, record, 'verification').remove([id]),
      userPasses(deps, record).remove([id]),
    ]);
    return redacted?.record.kind === 'verification'
      ? { kind: 'success', verification: redacted.record }
      : notFound;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return { kind: 'problem', problem: problem('STORE_UNAVAILABLE') };
  }
}
