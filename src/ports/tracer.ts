/** What a span may say: ids of records, names of providers and actions, and codes. Nothing of a person, and no URL. */
export interface SpanAttributes {
  readonly operation?: string | undefined;
  readonly record?: string | undefined;
  readonly tenant?: string | undefined;
  readonly provider?: string | undefined;
  readonly action?: string | undefined;
  readonly outcome?: string | undefined;
}

export type SpanName =
  | 'graphql request'
  | 'mutation'
  | 'claim'
  | 'turn'
  | 'provider call'
  | 'follow-up'
  | 'notification'
  | 'return'
  | 'handoff'
  | 'subscription';

/** Adds attributes to a span while it lasts. */
export type NoteOnSpan = (attributes: SpanAttributes) => void;

/** Spans for OpenTelemetry. They cost nothing while tracing is off. */
export interface Tracer {
  /** Runs work in a span, below the one that is running. A rejection marks it as failed. */
  readonly span: <T>(
    name: SpanName,
    attributes: SpanAttributes,
    work: (note: NoteOnSpan) => Promise<T>,
  ) => Promise<T>;
  /** Runs work below the span that the headers of a request name (W3C trace context). Only for the router's requests. */
  readonly within: <T>(
    headers: Readonly<Record<string, string | string[] | undefined>>,
    work: () => T,
  ) => T;
  /** The id of the running trace; null while tracing is off. */
  readonly traceId: () => string | null;
}
