import type { RecordedAnswer } from './subject.ts';

/** A recorded answer in which something stands that no page knows. */
export interface Mutant {
  /** Where it differs: `data.status`. */
  readonly path: string;
  readonly answer: RecordedAnswer;
}

const alienText = 'CONFORMANCE_UNKNOWN';
const alienNumber = 98_765_432;

/** Each leaf of an answer's JSON in turn as a value of the same type that nobody knows. */
export function mutantsOf(answer: RecordedAnswer): readonly Mutant[] {
  const body = bodyOf(answer);
  return leavesOf(body).map((path) => ({
    path: path.join('.'),
    answer: { ...answer, body: replaced(body, path, alien) as object },
  }));
}

/** The whole of it, unknown or absent. */
export function strangersOf(answer: RecordedAnswer): readonly Mutant[] {
  const body = bodyOf(answer);
  const allAlien = leavesOf(body).reduce((value, path) => replaced(value, path, alien), body);
  const allNull = leavesOf(body).reduce((value, path) => replaced(value, path, () => null), body);
  return [
    { path: 'every value', answer: { ...answer, body: allAlien as object } },
    { path: 'every value null', answer: { ...answer, body: allNull as object } },
    { path: 'nothing in it', answer: { ...answer, body: {} } },
    { path: 'a list', answer: { ...answer, body: [] } },
  ];
}

/** Null where it is no JSON, and so cannot be changed here. */
function bodyOf({ body }: RecordedAnswer): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}

type Path = readonly string[];

function leavesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return path.length > 0 ? [path] : [];
  return Object.entries(value).flatMap(([name, each]) => leavesOf(each, [...path, name]));
}

function alien(value: unknown): unknown {
  if (typeof value === 'number') return alienNumber;
  if (typeof value === 'boolean') return !value;
  return alienText;
}

function replaced(value: unknown, [name, ...rest]: Path, change: (leaf: unknown) => unknown) {
  if (name === undefined) return change(value);
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value)
    ? [...(value as unknown[])]
    : { ...(value as object) };
  const members = copy as Record<string, unknown>;
  members[name] = replaced(members[name], rest, change);
  return copy as unknown;
}
