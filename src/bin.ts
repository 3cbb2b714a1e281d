#!/usr/bin/env node
import { resolve } from 'node:path';
import { BootError } from './core/boot-error.ts';

// The command of the package: `verification-subgraph`.

const usage = `verification-subgraph                        starts the service; settings: README.md
verification-subgraph print-schema           prints the SDL to publish, with the plugins of PROVIDERS
verification-subgraph new-provider <id> [folder]   writes a package with a new provider`;

const commands: Readonly<
  Record<string, (parameters: readonly string[]) => Promise<string | null>>
> = {
  start: async () => {
    await import('./main.ts');
    return null;
  },
  'print-schema': async () => {
    const { loadProviders } = await import('./boot/load-providers.ts');
    const { printSubgraphSdl } = await import('./graphql/print-subgraph-sdl.ts');
    const { checkDefinitions } = await import('./boot/check-definitions.ts');
    const { reservedNames } = await import('./boot/reserved-names.ts');
    const definitions = await loadProviders(process.env);
    checkDefinitions(definitions, reservedNames);
    return printSubgraphSdl(definitions).trimEnd();
  },
  'new-provider': async ([id, folder = id]) => {
    if (id === undefined || folder === undefined) return usage;
    const { ownSpec, writeNewProvider } = await import('./new-provider.ts');
    writeNewProvider({ id, folder: resolve(folder), subgraphSpec: ownSpec() });
    return `A provider is in ${folder}. Next:

  cd ${folder}
  npm install
  npm test     # the conformance suite, green from the start
  npm start    # the service with it, emulated: http://localhost:4001/graphiql

Its vendor is invented. Replace src/ and fixtures/ by what your vendor's documentation says.`;
  },
};

const [name = 'start', ...parameters] = process.argv.slice(2);
const run = Object.hasOwn(commands, name) ? commands[name] : async () => usage;
try {
  const output = (await run?.(parameters)) ?? null;
  // Exits explicitly, because timers of a plugin would keep the command running.
  if (output !== null) process.stdout.write(`${output}\n`, () => process.exit());
} catch (error) {
  if (!(error instanceof BootError)) throw error;
  // The output of a command is for the person who ran it.
  // oxlint-disable-next-line no-console
  console.error(error.lines.join('\n'));
  process.exit(1);
}
