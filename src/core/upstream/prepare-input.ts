import type { ChecksumMode, FieldProblem, PrepareContext } from '../../contract/index.ts';
import type { Log } from '../../ports/index.ts';
import { failed, problem, type Failed } from '../problem.ts';
import type { RegisteredProvider } from './registry.ts';

interface Deps {
  readonly checksums: ChecksumMode;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Lets a plugin validate and prepare an input. The result is the prepared input, or one problem that lists
 * every wrong field, including those that core found.
 *
 * Some checks may wrongly refuse a person. By INPUT_CHECKSUMS their findings are ignored, logged, or a
 * problem.
 */
export function prepareInput<Prepared extends object>(
  { checksums, log, now }: Deps,
  { definition, settings }: RegisteredProvider,
  ownProblems: readonly FieldProblem[],
  prepare: (
    context: PrepareContext<unknown>,
  ) => Prepared | { readonly problems: readonly FieldProblem[] },
): { readonly kind: 'prepared'; readonly prepared: Prepared } | Failed {
  const doubts: FieldProblem[] = [];
  const prepared = prepare({
    settings,
    nowMs: now(),
    doubt: (path, message) => {
      if (message === null) return;
      if (checksums === 'strict') doubts.push({ path, message });
      if (checksums === 'warn') {
        log.event('warn', 'input_doubt', { provider: definition.id, path, message });
      }
    },
  });
  const found = 'problems' in prepared ? prepared.problems : [];
  const fields = [...ownProblems, ...found, ...doubts];
  return 'problems' in prepared || fields.length > 0
    ? failed(problem('INVALID_INPUT', { fields }))
    : { kind: 'prepared', prepared };
}
