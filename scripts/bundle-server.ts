import { rmSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown, type Plugin } from 'rolldown';

// Bundles the built service into dist/server/. Finding and reading 1700 modules is half of a cold start.

const root = fileURLToPath(new URL('..', import.meta.url));
const built = `${root}dist/src`;
const target = `${root}dist/server`;

/** Loaded only where they are used, or with files of their own beside them. */
const external = [
  /^ruru(?:\/|$)/u,
  /^sm-crypto-v2$/u,
  /^import-meta-resolve$/u,
  /^@fastify\/cors$/u,
  /^bullmq(?:\/|$)/u,
  /^@opentelemetry\//u,
];

/** `import.meta.url` of our modules stays the address of the module in dist/, where its files are. */
const keepAddresses: Plugin = {
  name: 'keep-addresses',
  transform: (code, id) => {
    if (!id.startsWith(`${root}dist/`) || !code.includes('import.meta.url')) return null;
    const address = `new URL(${JSON.stringify(relative(target, id))}, import.meta.url).href`;
    return code.replaceAll('import.meta.url', address);
  },
};

/** Calls to providers need a fraction of undici, whose index also loads fetch, WebSocket, caches and mocks. */
const smallUndici: Plugin = {
  name: 'small-undici',
  resolveId: (id, importer) =>
    id === 'undici' && importer === `${built}/infra/upstream-connections.js` ? smallUndiciId : null,
  load: (id) =>
    id === smallUndiciId
      ? `import Client from 'undici/lib/dispatcher/client.js';
         import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
         import api from 'undici/lib/api/index.js';
         import buildConnector from 'undici/lib/core/connect.js';
         Object.assign(Dispatcher.prototype, api);
         export { buildConnector, Client };`
      : null,
};
const smallUndiciId = `${root}small-undici.js`;

rmSync(target, { recursive: true, force: true });
const bundle = await rolldown({
  // `main` starts the service. The others are for the compile cache of the image.
  input: {
    main: `${built}/main.js`,
    app: `${built}/app.js`,
    redis: `${built}/boot/create-redis-shared.js`,
    jwt: `${built}/http/jwt-reader.js`,
  },
  platform: 'node',
  external,
  plugins: [keepAddresses, smallUndici],
  // Warnings are about code of packages.
  logLevel: 'silent',
});
const { output } = await bundle.write({
  dir: target,
  format: 'esm',
  entryFileNames: '[name].js',
});
// Two copies of graphql refuse each other's schemas.
const copies = output.flatMap((chunk) =>
  'moduleIds' in chunk ? chunk.moduleIds.filter((id) => /\/graphql\/type\/schema\./u.test(id)) : [],
);
if (copies.length !== 1) throw new Error(`the bundle holds ${copies.length} copies of graphql`);
await bundle.close();
