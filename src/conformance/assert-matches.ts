import assert from 'node:assert/strict';
import { inspect } from 'node:util';

/** Asserts that `actual` contains every member that `expected` has. Lists must have the same length. */
export function assertMatches(actual: unknown, expected: unknown, path = 'the response'): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), `${path} must be a list, but is ${inspect(actual)}`);
    assert.equal(actual.length, expected.length, `${path} has a different length`);
    for (const [at, item] of expected.entries()) assertMatches(actual[at], item, `${path}[${at}]`);
    return;
  }
  if (typeof expected === 'object' && expected !== null) {
    assert.ok(
      typeof actual === 'object' && actual !== null,
      `${path} must be an object, but is ${inspect(actual)}`,
    );
    for (const [name, value] of Object.entries(expected)) {
      assertMatches((actual as Readonly<Record<string, unknown>>)[name], value, `${path}.${name}`);
    }
    return;
  }
  assert.ok(
    Object.is(actual, expected),
    `${path} must be ${inspect(expected)}, but is ${inspect(actual)}`,
  );
}
