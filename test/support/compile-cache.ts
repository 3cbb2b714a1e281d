import { fileURLToPath } from 'node:url';

/** Where the processes of the tests find compiled modules: `NODE_COMPILE_CACHE`. */
export const compileCache = fileURLToPath(
  new URL('../../node_modules/.cache/test-replicas', import.meta.url),
);
