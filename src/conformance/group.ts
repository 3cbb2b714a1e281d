/** One fact that holds of every provider. `run` throws `AssertionError` where it does not. */
export type Check =
  | { readonly title: string; readonly run: () => Promise<void> | void }
  /** Why it cannot be checked here; printed, so that nobody takes it for a pass. */
  | { readonly title: string; readonly skipped: string };

/** Facts about one thing. */
export interface Group {
  readonly name: GroupName;
  readonly checks: readonly Check[];
}

export type GroupName =
  | 'definition'
  | 'settings'
  | 'channels and actions'
  | 'recorded answers'
  | 'unknown codes'
  | 'broken answers'
  | 'deadline'
  | 'charging'
  | 'notifications'
  | 'privacy'
  | 'sandbox'
  | 'SDL';

export function group(name: GroupName, checks: readonly Check[]): Group {
  return { name, checks };
}

export function skip(name: GroupName, reason: string): Group {
  return { name, checks: [{ title: 'all of it', skipped: reason }] };
}
