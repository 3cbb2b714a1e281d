import { wrongUsage } from './command-error.ts';

/**
 * A day (`2026-11-26`) or a moment (`2026-11-26T08:30:00Z`, `…+08:00`) in epoch ms. Days are those of UTC. As an end, a day
 * includes all of it. Throws `CommandError`.
 */
export function readTime(option: string, text: string, end: 'begin' | 'end'): number {
  const isDay = /^\d{4}-\d{2}-\d{2}$/u.test(text);
  const isMoment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/u;
  const ms = isDay || isMoment.test(text) ? Date.parse(text) : NaN;
  // `Date.parse` takes 2026-02-30 as March 2.
  const isReal = isDay && !Number.isNaN(ms) ? new Date(ms).toISOString().startsWith(text) : true;
  if (Number.isNaN(ms) || !isReal || ms < 0) {
    throw wrongUsage(
      `${option} must be a day since 1970 or a moment with its zone: 2026-11-26T08:30:00Z`,
    );
  }
  return isDay && end === 'end' ? ms + 24 * 3600 * 1000 - 1 : ms;
}
