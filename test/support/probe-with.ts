import type { AnyProvider } from '../../src/contract/index.ts';
import { probe } from './test-core.ts';

type Action = AnyProvider['actions'][string];
type Channel = AnyProvider['channels'][string];

/** Members of any value. A misspelt name is still a type error. */
type Overrides = { readonly [Member in Exclude<keyof AnyProvider, Merged>]?: unknown } & {
  readonly actions?: Readonly<Record<string, { readonly [Member in keyof Action]?: unknown }>>;
  readonly channels?: Readonly<Record<string, { readonly [Member in keyof Channel]?: unknown }>>;
};
type Merged = 'actions' | 'channels';

/**
 * The probe with other members. Actions and channels are merged by name: what an override does not
 * mention stays as the probe has it.
 */
export function probeWith(overrides: Overrides): AnyProvider {
  const provider = {
    ...probe,
    ...overrides,
    actions: merge(probe.actions, overrides.actions),
    channels: merge(probe.channels, overrides.channels),
  };
  // Plugins come from outside, so tests also make some that the types forbid, such as one that returns text
  // in place of a result. This is the only place that casts them.
  return provider as unknown as AnyProvider;
}

function merge(
  parts: Readonly<Record<string, object>>,
  overrides: Readonly<Record<string, object>> = {},
): Readonly<Record<string, object>> {
  const names = new Set([...Object.keys(parts), ...Object.keys(overrides)]);
  return Object.fromEntries(
    [...names].map((name) => [name, { ...parts[name], ...overrides[name] }]),
  );
}
