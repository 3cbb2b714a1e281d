/** One fact that must hold for every provider. `run` throws `AssertionError` if it does not. */
export type Check =
  | { readonly title: string; readonly run: () => Promise<void> | void }
  /** Why it cannot be checked here. Printed, so that a skip is not taken for a pass. */
  | { readonly title: string; readonly skipped: string };

/** The checks of one topic. */
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
