import type { FieldProblem } from './field-problem.ts';

/** Collects everything that is wrong with an input, so that all of it is said at once. */
export interface ProblemList {
  readonly all: readonly FieldProblem[];
  /** Adds what a check found; null is nothing. */
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
