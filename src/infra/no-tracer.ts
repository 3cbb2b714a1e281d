import type { Tracer } from '../ports/index.ts';

/** While tracing is off. It does nothing and loads nothing. */
export const noTracer: Tracer = {
  span: (_name, _attributes, work) => work(() => {}),
  within: (_headers, work) => work(),
  traceId: () => null,
};

/** Whether an endpoint for spans is set, and the SDK of OpenTelemetry is not switched off. */
export function isTracingOn(env: Readonly<Record<string, string | undefined>>): boolean {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return Boolean(endpoint) && env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true';
}
