import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

function file(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

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
    include: [
      'test/**/*.test.ts',
      'template/test/*.test.ts',
      'examples/provider-package/test/*.test.ts',
    ],
    // Real sockets and a real browser on a noisy machine: a bound against hanging, not a claim.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
