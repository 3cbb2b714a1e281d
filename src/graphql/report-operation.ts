import type { Billing } from '../contract/index.ts';
import type { Telemetry } from '../core/core-deps.ts';
import type { Problem } from '../core/problem.ts';
import type { SavedBy } from '../ports/index.ts';
import { codeOfThrown } from './mask-error.ts';

/** What log and metrics say about a mutation that succeeded. */
export interface Told {
  readonly provider?: string;
  readonly record?: string;
  readonly billing?: Billing;
  readonly replayed?: boolean;
  readonly reused?: boolean;
  readonly cached?: boolean;
  readonly stored?: boolean;
}

type Failed = { readonly kind: 'problem'; readonly problem: Problem };

/**
 * Runs the use case of a mutation. Logs one `operation_ended` for it and counts it, however it ends. `tell` describes a
 * success.
 */
export async function reportOperation<Success extends { readonly kind: string }>(
  deps: Telemetry,
  name: string,
  tell: (success: Exclude<Success, Failed>) => Told,
  work: () => Promise<Success>,
): Promise<Success> {
  const startedMs = performance.now();
  return deps.tracer.span('mutation', { operation: name }, async (note) => {
    try {
      const ended = await work();
      const told = isFailed(ended) ? toldOfProblem(ended.problem) : tell(ended as never);
      const outcome = isFailed(ended) ? ended.problem.code : 'SUCCESS';
      note({ outcome, record: told.record, provider: told.provider });
      report(deps, { name, outcome, startedMs }, told);
      return ended;
    } catch (error) {
      report(deps, { name, outcome: codeOfThrown(error), startedMs }, {});
      throw error;
    }
  });
}

function isFailed(ended: { readonly kind: string }): ended is Failed {
  return ended.kind === 'problem';
}

function toldOfProblem({ billing, provider }: Problem): Told {
  return { billing, ...(provider === null ? {} : { provider }) };
}

function report(
  { log, metrics, scopes }: Telemetry,
  { name, outcome, startedMs }: { name: string; outcome: string; startedMs: number },
  told: Told,
): void {
  const durationMs = Math.round(performance.now() - startedMs);
  const waits = scopes.current()?.waits;
  const waitedMs = (kind: 'queue' | 'store' | 'upstream'): number =>
    Math.round(waits?.[kind].totalMs() ?? 0);
  log.event('info', 'operation_ended', {
    ...{ name, outcome, ...told, durationMs },
    queueMs: waitedMs('queue'),
    storeMs: waitedMs('store'),
    upstreamMs: waitedMs('upstream'),
  });
  metrics.operation({ name, outcome, durationMs });
  const by = savedBy(told);
  if (by !== null) metrics.saved(name, by);
}

function savedBy({ replayed, reused, cached }: Told): SavedBy | null {
  if (replayed) return 'replay';
  if (reused) return 'launch';
  return cached ? 'cache' : null;
}
