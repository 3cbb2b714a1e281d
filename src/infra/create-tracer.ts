import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { SpanAttributes, SpanName, Tracer } from '../ports/index.ts';

/** How a span relates to others, by the convention of OpenTelemetry. */
const kinds = {
  'graphql request': SpanKind.SERVER,
  mutation: SpanKind.INTERNAL,
  claim: SpanKind.INTERNAL,
  turn: SpanKind.INTERNAL,
  'provider call': SpanKind.CLIENT,
  'follow-up': SpanKind.INTERNAL,
  notification: SpanKind.SERVER,
  return: SpanKind.SERVER,
  handoff: SpanKind.SERVER,
  subscription: SpanKind.INTERNAL,
} as const satisfies Record<SpanName, SpanKind>;

/** The attributes that leave the process. Others are dropped. */
const names = {
  operation: 'verification.operation',
  record: 'verification.record',
  tenant: 'verification.tenant',
  provider: 'verification.provider',
  action: 'verification.action',
  outcome: 'verification.outcome',
} as const satisfies Record<keyof SpanAttributes, string>;

/**
 * Spans over the API of OpenTelemetry; whoever registers an SDK gets them. No exception is recorded, because its message may
 * hold input, and nothing is sent on to providers.
 */
export function createTracer(): Tracer {
  const tracer = trace.getTracer('verification-subgraph');
  return {
    span: (name, attributes, work) =>
      tracer.startActiveSpan(
        name,
        { kind: kinds[name], attributes: toNamed(attributes) },
        async (span) => {
          try {
            return await work((more) => span.setAttributes(toNamed(more)));
          } catch (error) {
            span.setStatus({ code: SpanStatusCode.ERROR });
            throw error;
          } finally {
            span.end();
          }
        },
      ),
    within: (headers, work) => context.with(propagation.extract(context.active(), headers), work),
    traceId: () => trace.getActiveSpan()?.spanContext().traceId ?? null,
  };
}

function toNamed(attributes: SpanAttributes): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [field, name] of Object.entries(names)) {
    const value = attributes[field as keyof SpanAttributes];
    if (typeof value === 'string') named[name] = value;
  }
  return named;
}
