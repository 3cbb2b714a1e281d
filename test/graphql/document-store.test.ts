import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocumentStore } from '../../src/graphql/document-store.ts';

async function isKept(text: string): Promise<boolean> {
  const store = createDocumentStore();
  await store.set('digest', parse(text));
  return (await store.get('digest')) !== undefined;
}

describe('the document store', () => {
  it.each([
    'query ($id: ID!) { verification(id: $id) { id status } }',
    'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Verification { id } } }',
    '{ users { verifications(first: 100) { edges { cursor } } } }',
    'mutation ($i: StartVerificationInput!) { startVerification(input: $i) { __typename } }',
    '{ providers(live: true, mode: LIVE, one: null) { id } }',
  ])('keeps %s', async (text) => {
    expect(await isKept(text)).toBe(true);
  });

  it.each([
    ['a string', '{ verification(id: "ver_1") { id } }'],
    ['a block string', '{ verification(id: """ver_1""") { id } }'],
    ['a string as a default', 'query ($name: String = "韦小宝") { a(name: $name) }'],
    ['a string inside an input object', '{ a(input: { subject: [{ name: "韦小宝" }] }) }'],
    ['a number that could be a phone', '{ a(phone: 13800138000) }'],
    ['a fraction with many digits', '{ a(number: 112044.16541220243) }'],
    ['a comment', '{ a } # 韦小宝'],
  ])('does not keep a document with %s', async (_title, text) => {
    expect(await isKept(text)).toBe(false);
  });

  it('does not keep a very long document', async () => {
    expect(await isKept(`{ ${'a '.repeat(10_001)} }`)).toBe(false);
  });

  it('drops the documents that were used longest ago, above 16 MB', async () => {
    const store = createDocumentStore();
    const count = 200;
    for (let at = 0; at < count; at++) {
      await store.set(String(at), parse(`{ ${`field${at} `.repeat(250)} }`));
    }
    expect(await store.get('0')).toBeUndefined();
    expect(await store.get(String(count - 1))).toBeDefined();
  });
});
