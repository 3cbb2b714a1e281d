/** Stops calling an action that keeps failing. Throws `ProviderFault('not_sent')` while it is open. */
export interface Breaker {
  readonly run: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  readonly isOpen: (key: string) => boolean;
}
