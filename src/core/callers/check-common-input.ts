import { checkText, createProblemList, type FieldProblem } from '../../contract/index.ts';
import type { TenantRules } from '../tenants/tenant-rules.ts';

/** Checks the input that a start and a bank card check have in common. */
export function checkCommonInput(
  input: {
    readonly idempotencyKey: string;
    readonly userId: string | null;
    readonly consentRef: string | null;
  },
  { needsConsent }: Pick<TenantRules, 'needsConsent'>,
): readonly FieldProblem[] {
  const problems = createProblemList();
  const { idempotencyKey, userId, consentRef } = input;
  problems.add(
    'idempotencyKey',
    idempotencyKey === '' ? 'must not be empty' : checkText(idempotencyKey, 255),
  );
  if (userId !== null)
    problems.add('userId', userId === '' ? 'must not be empty' : checkText(userId, 255));
  if (consentRef === null && needsConsent)
    problems.add('consentRef', 'is required for your tenant');
  if (consentRef !== null) problems.add('consentRef', checkText(consentRef, 255));
  return problems.all;
}
