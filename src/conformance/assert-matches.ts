import assert from 'node:assert/strict';
import { inspect } from 'node:util';

/** Whatever `expected` names is so in `actual`; lists have as many items. */
export function assertMatches(actual: unknown, expected: unknown, path = 'the answer'): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), `${path} must be a list, and is ${inspect(actual)}`);
    assert.equal(actual.length, expected.length, `${path} has another length`);
    for (const [at, item] of expected.entries()) assertMatches(actual[at], item, `${path}[${at}]`);
    return;
  }
  if (typeof expected === 'object' && expected !== null) {
    assert.ok(
      typeof actual === 'object' && actual !== null,
      `${path} must be an object, and is ${inspect(actual)}`,
    );
    for (const [name, value] of Object.entries(expected)) {
      assertMatches((actual as Readonly<Record<string, unknown>>)[name], value, `${path}.${name}`);
    }
    return;
  }
  assert.ok(
    Object.is(actual, expected),
    `${path} must be ${inspect(expected)}, and is ${inspect(actual)}`,
  );
}
