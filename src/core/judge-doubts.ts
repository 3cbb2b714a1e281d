import type { ChecksumMode, FieldProblem, Log } from '../contract/index.ts';

/**
 * Collects checks that may wrongly refuse a person, and decides by INPUT_CHECKSUMS what they are:
 * nothing, a line in the log, or a problem.
 */
export function judgeDoubts(
  deps: { readonly checksums: ChecksumMode; readonly log: Log },
  providerId: string,
): { readonly doubt: (problem: FieldProblem) => void; readonly problems: FieldProblem[] } {
  const problems: FieldProblem[] = [];
  return {
    problems,
    doubt: ({ path, message }) => {
      if (deps.checksums === 'strict') problems.push({ path, message });
      if (deps.checksums === 'warn') {
        deps.log.event('warn', 'input_doubt', { provider: providerId, path, message });
      }
    },
  };
}
