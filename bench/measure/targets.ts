import type { SubjectName } from './operations.ts';

/** Of one round, per request. */
export interface Measured {
  readonly cpuUs: number;
  readonly redisUs: number;
  readonly commands: number;
  readonly reads: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** By operation and subject, one entry per round. */
export type Figures = Map<string, Map<SubjectName, Measured[]>>;

export interface ColdStart {
  readonly startMs: number;
  readonly cpuMs: number;
  readonly memoryMb: number;
}

interface Target {
  readonly name: string;
  readonly must: number;
  readonly hope: number;
  readonly isAtLeast?: true;
  readonly ratio: (figures: Figures, cold: Cold) => number | null;
}

export type Cold = Readonly<Record<'ours' | 'libraries' | 'hello', ColdStart>> | null;

const targets: readonly Target[] = [
  {
    name: 'start ÷ Express + official SDK, CPU',
    ...{ must: 1, hope: 0.6 },
    ratio: (figures) => over(figures, 'start', 'cpuUs', 'express-sdk'),
  },
  {
    name: 'start ÷ bare, CPU',
    ...{ must: 4, hope: 2.5 },
    ratio: (figures) => over(figures, 'start', 'cpuUs', 'bare'),
  },
  {
    name: '50 entities ÷ Apollo + Fastify with MGET, CPU',
    ...{ must: 1.5, hope: 1 },
    ratio: (figures) => over(figures, 'entities', 'cpuUs', 'apollo-fastify'),
  },
  {
    name: 'starts a second ÷ Apollo + Fastify',
    ...{ must: 0.4, hope: 0.6, isAtLeast: true },
    ratio: (figures) => over(figures, 'start', 'perSecond', 'apollo-fastify'),
  },
  {
    name: 'Redis CPU of a start ÷ bare',
    ...{ must: 8, hope: 4 },
    ratio: (figures) => over(figures, 'start', 'redisUs', 'bare'),
  },
  {
    name: 'cold start ÷ hello world, CPU',
    ...{ must: 1.5, hope: 1.2 },
    ratio: (_figures, cold) => cold && cold.ours.cpuMs / cold.hello.cpuMs,
  },
  {
    name: 'memory after start ÷ hello world',
    ...{ must: 1.5, hope: 1.2 },
    ratio: (_figures, cold) => cold && cold.ours.memoryMb / cold.hello.memoryMb,
  },
];

/** The targets with what was measured; targets whose operations were not run are left out. */
export function judge(figures: Figures, cold: Cold): readonly object[] {
  return targets.flatMap(({ name, must, hope, isAtLeast, ratio }) => {
    const value = ratio(figures, cold);
    if (value === null) return [];
    const reaches = (bound: number): boolean => (isAtLeast ? value >= bound : value <= bound);
    const met = reaches(hope) ? 'hope' : reaches(must) ? 'must' : 'no';
    return [{ target: name, measured: round(value), must, hope, met }];
  });
}

/** Ours as a multiple of another subject's, by medians. */
function over(
  figures: Figures,
  operation: string,
  figure: keyof Measured,
  subject: SubjectName,
): number | null {
  const ours = medianOf(figures, operation, 'ours', figure);
  const theirs = medianOf(figures, operation, subject, figure);
  return ours === null || theirs === null ? null : ours / theirs;
}

export function medianOf(
  figures: Figures,
  operation: string,
  subject: SubjectName,
  figure: keyof Measured,
): number | null {
  const values = figures
    .get(operation)
    ?.get(subject)
    ?.map((each) => each[figure]);
  if (!values || values.length === 0) return null;
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}

export function round(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
