/** One line of the catalogue: what to send, and the raw code that the provider will return. */
export interface Scenario {
  readonly provider: string;
  readonly action: string;
  readonly title: string;
  /** Part of the GraphQL input; an `idempotencyKey` is added. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The raw result code, error code or wire fault. */
  readonly expect: string;
}
