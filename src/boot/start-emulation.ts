import type { Sandbox } from '../../sandbox/index.ts';
import type { AnyProvider, SandboxContext, SandboxUpstream } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import { withTimeout } from '../core/with-timeout.ts';
import type { Config } from './config.ts';
import { redactEnvValues } from './redact-env-values.ts';

interface EmulationDeps {
  readonly now: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Starts the emulated providers: the built-in ones and those that plugins bring. Throws `BootError`. */
export async function startEmulation(
  { now, env }: EmulationDeps,
  config: Config,
  definitions: readonly AnyProvider[],
): Promise<Sandbox> {
  // Loaded only where it is used.
  const { startSandbox } = await import('../../sandbox/index.ts');
  const givenSettings = (id: string) => config.providers.get(id)?.given ?? {};
  const notifyAt = (url: string) => toLoopback(config, url);
  const withSandbox = definitions.filter(({ id }) => config.providers.get(id)?.isOff !== true);
  return startSandbox({
    now,
    baseUrl: personBaseUrl(config),
    givenSettings,
    toLoopback: notifyAt,
    others: withSandbox.flatMap(({ id, sandbox }) => {
      if (!sandbox) return [];
      const context = {
        now,
        givenSettings: givenSettings(id),
        toLoopback: notifyAt,
        accountUrl: `${config.publicUrl}/callbacks/${id}/account`,
      };
      return [{ id, start: () => startOwnSandbox(id, sandbox, context, env) }];
    }),
  });
}

/** The page for playing the person is on the main listener, because it must not be public. */
function personBaseUrl(config: Config): string {
  return config.publicPort === config.port ? config.publicUrl : `http://localhost:${config.port}`;
}

/** Emulated providers send their notifications to this service only. */
function toLoopback({ publicUrl, publicPort }: Config, url: string): string | null {
  return url.startsWith(`${publicUrl}/`)
    ? `http://127.0.0.1:${publicPort}${url.slice(publicUrl.length)}`
    : null;
}

const sandboxWithinMs = 10_000;

/** Starts the emulation that a plugin brings. Throws `BootError`. */
async function startOwnSandbox(
  id: string,
  load: NonNullable<AnyProvider['sandbox']>,
  context: SandboxContext,
  env: EmulationDeps['env'],
): Promise<SandboxUpstream> {
  const fail = (reason: string): BootError =>
    new BootError([`provider "${id}": its sandbox does not start: ${reason}`]);
  let upstream: SandboxUpstream;
  try {
    const starting = (async () => {
      const start = await load();
      return start(context);
    })();
    upstream = await withTimeout(sandboxWithinMs, starting, () => {
      throw new Error('it did not start within 10 seconds');
    });
  } catch (error) {
    throw fail(error instanceof Error ? redactEnvValues(error.message, env) : 'unknown');
  }
  const { settings, scenarios, close } = upstream ?? {};
  if (typeof settings !== 'object' || !Array.isArray(scenarios) || typeof close !== 'function') {
    throw fail('it must return { settings, scenarios, close }');
  }
  return upstream;
}
