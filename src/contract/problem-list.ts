import type { FieldProblem } from './field-problem.ts';

/** Collects every problem of an input, so that the caller gets all of them at once. */
export interface ProblemList {
  readonly all: readonly FieldProblem[];
  /** Adds the result of a check. `null` means that the check passed and adds nothing. */
  readonly add: (path: string, message: string | null) => void;
}

export function createProblemList(): ProblemList {
  const all: FieldProblem[] = [];
  return {
    all,
    add: (path, message) => {
      if (message !== null) all.push({ path, message });
    },
  };
}
