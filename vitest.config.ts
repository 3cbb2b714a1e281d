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
    // Real sockets and a real browser on a noisy machine: a bound against hanging, not a claim.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 4,
    coverage: { include: ['src/**', 'providers/**'], exclude: ['src/graphql/generated.ts'] },
    projects: [
      { extends: true, test: { name: 'unit', include: unit, isolate: false } },
      { extends: true, test: { name: 'service', include: all, exclude: unit } },
    ],
  },
});
