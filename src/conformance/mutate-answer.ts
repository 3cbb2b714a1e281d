import type { RecordedAnswer } from './subject.ts';

/** A recorded response with one changed value. */
export interface Mutant {
  /** The path of the changed value: `data.status`. */
  readonly path: string;
  /** The changed value. */
  readonly value: unknown;
  readonly answer: RecordedAnswer;
}

/** A value of a response that can be replaced. */
export interface Leaf {
  readonly path: string;
  /** Replaced by an unknown value of the same type. */
  readonly alien: Mutant;
  /** Replaced by values that are almost the recorded one. */
  readonly near: readonly Mutant[];
}

/** Part of the replaced texts, so that the suite finds where a provider's text ends up. */
export const alienText = 'CONFORMANCE_UNKNOWN';
const alienNumber = 98_765_432;

/** The values of a response in JSON, XML or a form. Empty for any other body. */
export function leavesOf(answer: RecordedAnswer): readonly Leaf[] {
  const body = bodyOf(answer);
  const places = typeof body === 'string' ? placesInText(body) : placesInJson(body);
  return places.map(({ path, value, replace }) => {
    const mutant = (changed: unknown): Mutant => ({
      path,
      value: changed,
      answer: { ...answer, body: replace(changed) as object | string },
    });
    return { path, alien: mutant(alienOf(value)), near: nearOf(value).map(mutant) };
  });
}

/** Copies without several values: removed, or null. */
export function withoutAll(
  answer: RecordedAnswer,
  paths: readonly string[],
): readonly RecordedAnswer[] {
  const body = bodyOf(answer);
  if (typeof body === 'string') return [];
  const own = pathsIn(body).filter((path) => paths.includes(path.join('.')));
  return [null, undefined].map((value) => ({
    ...answer,
    body: own.reduce((changed, path) => replaced(changed, path, () => value), body) as object,
  }));
}

/** Copies of the whole body, unknown or absent. */
export function strangersOf(answer: RecordedAnswer): readonly Mutant[] {
  const body = bodyOf(answer);
  if (typeof body === 'string') return [];
  const paths = pathsIn(body);
  const allAlien = paths.reduce((value, path) => replaced(value, path, alienOf), body);
  const allNull = paths.reduce((value, path) => replaced(value, path, () => null), body);
  return [
    { path: 'every value', value: 'unknown', answer: { ...answer, body: allAlien as object } },
    { path: 'every value', value: null, answer: { ...answer, body: allNull as object } },
    { path: 'all of it', value: {}, answer: { ...answer, body: {} } },
    { path: 'all of it', value: [], answer: { ...answer, body: [] } },
  ];
}

function bodyOf({ body }: RecordedAnswer): unknown {
  if (typeof body !== 'string') return body;
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? parsed : body;
  } catch {
    return body;
  }
}

interface Place {
  readonly path: string;
  readonly value: unknown;
  readonly replace: (value: unknown) => unknown;
}

function placesInJson(body: unknown): readonly Place[] {
  return pathsIn(body).map((path) => ({
    path: path.join('.'),
    value: path.reduce((value, name) => (value as Record<string, unknown>)[name], body),
    replace: (value) => replaced(body, path, () => value),
  }));
}

/** Values between tags, in quotes after `=`, and in forms. */
function placesInText(body: string): readonly Place[] {
  return [...body.matchAll(/(?<=>)[^<>]+(?=<\/)|(?<==")[^"]*(?=")|(?<==)[^&"\s<>]+/gu)].map(
    ({ 0: value, index }) => ({
      path: `${body.slice(Math.max(0, index - 20), index)}…`,
      value,
      replace: (changed) =>
        `${body.slice(0, index)}${textOf(changed)}${body.slice(index + value.length)}`,
    }),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

type Path = readonly string[];

function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return path.length > 0 ? [path] : [];
  return Object.entries(value).flatMap(([name, each]) => pathsIn(each, [...path, name]));
}

function alienOf(value: unknown): unknown {
  if (typeof value === 'number') return alienNumber;
  if (typeof value === 'boolean') return !value;
  return alienText;
}

/** Values that a careless comparison treats as equal. */
function nearOf(value: unknown): readonly unknown[] {
  const text = String(value);
  const others = ['', `${text}X`, `X${text}`, `0${text}`, 'constructor'];
  if (typeof value === 'boolean') return [...others, 'true', 'false', 1, 'no'];
  return text.length > 1 ? [...others, text.slice(0, -1), text.slice(1)] : others;
}

function replaced(
  value: unknown,
  [name, ...rest]: Path,
  change: (leaf: unknown) => unknown,
): unknown {
  if (name === undefined) return change(value);
  const copy: object = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const members = copy as Record<string, unknown>;
  members[name] = replaced(members[name], rest, change);
  return copy;
}
