import { checkText, type FieldProblem } from '../contract/index.ts';

/** Checks of what every paid or claimed operation is given, whatever the provider. */
export function checkCommonInput(input: {
  readonly idempotencyKey: string;
  readonly userId: string | null;
  readonly consentRef: string | null;
}): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const push = (path: string, message: string | null): void => {
    if (message !== null) problems.push({ path, message });
  };
  const { idempotencyKey, userId, consentRef } = input;
  push(
    'idempotencyKey',
    idempotencyKey === '' ? 'must not be empty' : checkText(idempotencyKey, 255),
  );
  if (userId !== null) push('userId', userId === '' ? 'must not be empty' : checkText(userId, 255));
  if (consentRef !== null) push('consentRef', checkText(consentRef, 255));
  return problems;
}
