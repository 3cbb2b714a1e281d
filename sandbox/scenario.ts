/** One line of the catalogue: what to send, and the raw code that the provider will answer. */
export interface Scenario {
  readonly provider: string;
  readonly action: string;
  readonly title: string;
  /** Goes into the GraphQL input, beside an idempotencyKey. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The raw result code, error code or wire fault. */
  readonly expect: string;
}
