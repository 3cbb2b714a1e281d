import type { AnyProvider } from '../../contract/index.ts';

const daySeconds = 24 * 3600;
const leastDays = 4;

/** How many days a verification may be pending, over all providers, with a day of slack. */
export function longestOpenDays(definitions: readonly AnyProvider[]): number {
  const retentions = definitions
    .flatMap(({ channels }) => Object.values(channels))
    .map(({ retentionSeconds }) => retentionSeconds / daySeconds + 1);
  return Math.ceil(Math.max(leastDays, ...retentions));
}
