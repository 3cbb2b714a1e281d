#!/usr/bin/env node
import { resolve } from 'node:path';
import { CommandError, wrongUsage, type ExitCode } from './commands/command-error.ts';
import { BootError } from './core/boot-error.ts';
import { StoreUnavailable } from './ports/index.ts';

// The command of the package: `verification-subgraph`. Exit codes: 0 done, 1 failed, 2 a wrong command line.

const usage = `verification-subgraph                        starts the service; settings: README.md
verification-subgraph print-schema [--without-authorization]
    prints the SDL to publish, with the plugins of PROVIDERS; without @authenticated and @requiresScopes for a gateway
    that does not enforce them and therefore refuses them, such as @apollo/gateway
verification-subgraph new-provider <id> [folder]   writes a package with a new provider

Reading the store of the same settings; no service needs to run. TIME is 2026-11-26 or 2026-11-26T08:30:00Z:

verification-subgraph inspect <id> [--mode live|sandbox]
    what happened to a verification or a bank card check, without personal data
verification-subgraph audit [--from TIME] [--to TIME] [--tenant ID] [--record ID]
                            [--format ndjson|csv] [--mode live|sandbox]
    the entries of the ledger, oldest first: who did what, and what it cost
verification-subgraph audit verify <file> [--unsealed]
    whether an export of all entries was changed, and where entries are missing; reads no store. STORE_HASH_KEYS proves
    the last line too, which an export from an archive does not have
verification-subgraph costs [--from TIME] [--to TIME] [--by tenant,provider,account,jurisdiction,channel,action,day]
                            [--tenant ID] [--provider ID] [--file EXPORT] [--format csv|ndjson] [--mode live|sandbox]
    what was charged, and what may have been; with prices from PRICES_FILE
verification-subgraph costs --compare <bill.csv> [--from TIME] [--to TIME] …
    what a provider's bill and the ledger do not agree on
verification-subgraph events replay --from TIME [--to TIME] [--mode live|sandbox]
    appends the events of a time again

verification-subgraph webhooks list [--endpoint ID] [--mode live|sandbox]
    the endpoints of WEBHOOKS_FILE, and their deliveries that wait or were given up
verification-subgraph webhooks replay --endpoint ID [--id WEBHOOK] [--mode live|sandbox]
    sends again what was given up, with all attempts
verification-subgraph webhooks test --endpoint ID
    sends an event of the type webhook.test, and says what became of it

verification-subgraph --help | --version`;

type Output = string | null | AsyncIterable<string>;

const commands: Readonly<Record<string, (parameters: readonly string[]) => Promise<Output>>> = {
  start: async () => {
    await import('./main.ts');
    return null;
  },
  'print-schema': async (parameters) => {
    const { parseArgs } = await import('node:util');
    const { values } = parseArgs({
      args: [...parameters],
      options: { 'without-authorization': { type: 'boolean', default: false } },
    });
    const { loadProviders } = await import('./boot/load-providers.ts');
    const { printSubgraphSdl } = await import('./graphql/print-subgraph-sdl.ts');
    const { checkDefinitions } = await import('./boot/check-definitions.ts');
    const { reservedNames } = await import('./boot/reserved-names.ts');
    const definitions = await loadProviders(process.env);
    checkDefinitions(definitions, reservedNames);
    const sdl = printSubgraphSdl(definitions).trimEnd();
    if (!values['without-authorization']) return sdl;
    const { parse, print } = await import('graphql');
    const { withoutAuthorization } = await import('./graphql/without-authorization.ts');
    return print(withoutAuthorization(parse(sdl)));
  },
  'new-provider': async ([id, folder = id]) => {
    if (id === undefined || folder === undefined) throw wrongUsage('new-provider needs an id');
    const { ownSpec, writeNewProvider } = await import('./new-provider.ts');
    writeNewProvider({ id, folder: resolve(folder), subgraphSpec: ownSpec() });
    return `A provider is in ${folder}. Next:

  cd ${folder}
  npm install
  npm test     # the conformance suite, green from the start
  npm start    # the service with it, emulated: http://localhost:4001/graphiql

Its vendor is invented. Replace src/ and fixtures/ by what your vendor's documentation says.`;
  },
  inspect: async (parameters) => {
    const { inspect } = await import('./commands/inspect.ts');
    return inspect(process.env, parameters);
  },
  audit: async (parameters) => {
    const [first, ...rest] = parameters;
    if (first === 'verify') {
      const { verifyAudit } = await import('./commands/verify-audit.ts');
      return verifyAudit(process.env, rest);
    }
    const { audit } = await import('./commands/audit.ts');
    return audit(process.env, parameters);
  },
  costs: async (parameters) => {
    const { costs } = await import('./commands/costs.ts');
    return costs(process.env, parameters);
  },
  events: async ([first, ...parameters]) => {
    if (first !== 'replay') throw wrongUsage('events needs replay');
    const { replayEvents } = await import('./commands/replay-events.ts');
    return replayEvents(process.env, parameters);
  },
  webhooks: async (parameters) => {
    const { webhooks } = await import('./commands/webhooks.ts');
    return webhooks(process.env, parameters);
  },
  '--help': async () => usage,
  '--version': async () => {
    const { readVersion } = await import('./boot/read-version.ts');
    return readVersion();
  },
};

const [name = 'start', ...parameters] = process.argv.slice(2);
try {
  if (!Object.hasOwn(commands, name)) throw wrongUsage(`there is no command ${name}`);
  const output = (await commands[name]?.(parameters)) ?? null;
  if (output !== null) {
    for await (const line of typeof output === 'string' ? [output] : output) await write(line);
    // Exits explicitly, because timers of a plugin would keep the command running.
    process.exit();
  }
} catch (error) {
  const told = explain(error);
  if (!told) throw error;
  // The output of a command is for the person who ran it.
  // oxlint-disable-next-line no-console
  if (told.lines.length > 0) console.error(told.lines.join('\n'));
  process.exit(told.exitCode);
}

/** Waits until it is written: the reader may be slower than the store. */
function write(line: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(`${line}\n`, (error) => (error ? fail(error) : done()));
  });
}

/** Null for a bug. */
function explain(
  error: unknown,
): { readonly lines: readonly string[]; readonly exitCode: ExitCode | 0 } | null {
  if (error instanceof BootError) return { lines: error.lines, exitCode: 1 };
  if (error instanceof CommandError) return { lines: [error.message], exitCode: error.exitCode };
  if (error instanceof StoreUnavailable) return { lines: ['Redis does not answer.'], exitCode: 1 };
  const { code }: { readonly code?: unknown } = Object(error);
  // The reader has seen enough, like `head`.
  if (code === 'EPIPE') return { lines: [], exitCode: 0 };
  const isArgument = typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS');
  if (!isArgument) return null;
  const { message, exitCode } = wrongUsage((error as Error).message.split('\n')[0] ?? '');
  return { lines: [message], exitCode };
}
