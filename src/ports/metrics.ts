export interface Metrics {
  readonly upstreamCall: (call: {
    readonly provider: string;
    readonly action: string;
    readonly outcome: string;
    readonly durationMs: number;
  }) => void;
  readonly claim: (operation: string, state: string) => void;
}
