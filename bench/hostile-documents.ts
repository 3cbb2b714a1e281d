import { startTestApp } from '../test/support/test-app.ts';

// The time of a hostile document compared with a plain one, in one run: the worst of several, as a ratio.
//
//   npm run bench:hostile

const repeat = (count: number, make: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => make(at)).join(' ');

const documents: Readonly<Record<string, string>> = {
  'plain query': '{ verification(id: "x") { id status provider { id } } }',
  'fields that repeat': `{ ${repeat(1900, () => '__typename')} }`,
  'fields that conflict': `{ ${repeat(290, (at) => `verification(id: "${at % 2}") { id }`)} }`,
  'inline fragments inside each other': `{ ${'... { '.repeat(900)} __typename ${'} '.repeat(900)} }`,
  'fragments that double': `{ ...f0 } ${repeat(150, (at) => `fragment f${at} on Query { ${at < 149 ? `...f${at + 1} ...f${at + 1}` : '__typename'} }`)}`,
  'fragments in a circle': `{ ...f0 } ${repeat(150, (at) => `fragment f${at} on Query { ...f${(at + 1) % 150} }`)}`,
  'unknown fields': `{ ${repeat(1900, (at) => `field${at}`)} }`,
  'unknown directives': `{ __typename ${repeat(1900, (at) => `@d${at}`)} }`,
  'deep lists': `{ verification(id: ${'['.repeat(1500)}${']'.repeat(1500)}) { id } }`,
  'a long string': `{ verification(id: "${'x'.repeat(200_000)}") { id } }`,
  'tokens without end': `{ ${repeat(40_000, () => 'a')} }`,
  'lists inside lists': `{ verification(id: "x") { user { ${'verifications(first: 100) { edges { node { user { '.repeat(2)} id ${'} } } } '.repeat(2)} } } }`,
};

const app = await startTestApp();
const rows: Record<string, object> = {};
let plainMs = 0;
for (const [name, query] of Object.entries(documents)) {
  const times: number[] = [];
  for (let round = 0; round < 15; round++) {
    const startedMs = performance.now();
    await app.send(query);
    if (round >= 5) times.push(performance.now() - startedMs);
  }
  const worstMs = Math.max(...times);
  plainMs ||= worstMs;
  rows[name] = {
    KB: Number((query.length / 1024).toFixed(1)),
    'worst, ms': Number(worstMs.toFixed(1)),
    'times the plain one': Number((worstMs / plainMs).toFixed(1)),
  };
}
console.table(rows);
await app.stop();
