import type { SpanName } from '../ports/index.ts';
import type { Telemetry } from './core-deps.ts';

/** Runs work that no request of the router began, as an operation and a trace of its own. */
export function ownOperation<T>(
  { scopes, tracer }: Pick<Telemetry, 'scopes' | 'tracer'>,
  name: SpanName,
  work: () => Promise<T>,
): Promise<T> {
  return tracer.span(name, {}, (note) => {
    const origin = { requestId: null, tenant: null, traceId: tracer.traceId() };
    return scopes.run(origin, async () => {
      try {
        return await work();
      } finally {
        note({ record: scopes.current()?.record ?? undefined });
      }
    });
  });
}
