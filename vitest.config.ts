import { defineConfig } from 'vitest/config';

export default defineConfig({
  // One graphql: the CommonJS build that Node and Apollo load, not the `module` one Vite prefers.
  resolve: { alias: [{ find: /^graphql$/u, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    // Real sockets and a real browser on a noisy machine: a bound against hanging, not a claim.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
