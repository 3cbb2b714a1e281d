import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

function file(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

const all = [
  'test/**/*.test.ts',
  'template/test/*.test.ts',
  'examples/provider-package/test/*.test.ts',
];

/** What needs no process of its own, no browser and no Redis: `npm run test:unit`. */
const unit = [
  'test/core/*.test.ts',
  'test/providers/*.test.ts',
  'test/house/*.test.ts',
  'test/docs/links.test.ts',
  'test/graphql/{boot,docs,document-store}.test.ts',
  'test/http/admission.test.ts',
  'test/infra/{breaker,limiter,log,memory-store,read-body,redis-clock,send-upstream,vault}.test.ts',
];

/** What a person does in a real browser. */
const browser = [
  'test/docs/{frontend,frontend-example}.test.ts',
  'test/http/{cors,graphiql,handoff,person-page}.test.ts',
  'test/supergraph/graphiql.test.ts',
];

/** A bound against hanging, not a claim: real sockets and a real browser on a noisy machine. */
const hangingMs = 300_000;

export default defineConfig({
  // One graphql: the CommonJS build that Node and Apollo load, not the `module` one Vite prefers.
  resolve: {
    alias: [
      { find: /^graphql$/u, replacement: 'graphql/index.js' },
      // What plugins import, from here: template/ and examples/provider-package/.
      { find: 'verification-subgraph/provider', replacement: file('src/contract/plugin-api.ts') },
      { find: 'verification-subgraph/conformance', replacement: file('src/conformance/index.ts') },
    ],
  },
  test: {
    testTimeout: hangingMs,
    hookTimeout: hangingMs,
    coverage: { include: ['src/**', 'providers/**'], exclude: ['src/graphql/generated.ts'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: unit,
          isolate: false,
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'service',
          globalSetup: 'test/support/warm-up.ts',
          include: all,
          exclude: [...unit, ...browser],
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      // A browser takes a core of its own, and a process without time refuses parts of its pages.
      // So these files run after the others, one at a time.
      {
        extends: true,
        test: {
          name: 'browser',
          include: browser,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
