import { createHash } from 'node:crypto';
import type { AnyProvider } from '../contract/index.ts';
import { BootError } from '../core/boot-error.ts';
import type { ProviderSetup } from '../core/upstream/registry.ts';
import type { Config } from './config.ts';
import { parseProviderSettings } from './parse-provider-settings.ts';
import type { AccountPlan } from './read-accounts-file.ts';

/**
 * A provider with its settings, or the reason why it is not enabled. `emulated`: the settings of its sandbox,
 * by name without prefix; null outside of the sandbox. Throws `BootError`.
 */
export function setUpProvider(
  definition: AnyProvider,
  { providers }: Pick<Config, 'providers'>,
  emulated: Readonly<Record<string, string>> | null,
): ProviderSetup {
  const { given = {}, perSecond = {}, isOff = false } = providers.get(definition.id) ?? {};
  const off = (disabledReason: string): ProviderSetup => ({
    settings: null,
    perSecond,
    account: '',
    disabledReason,
  });
  if (isOff) return off('Switched off by PROVIDERS_OFF.');
  if (emulated && Object.keys(emulated).length === 0)
    return off('The sandbox does not emulate it.');
  if (!emulated && !definition.credentials.some((name) => given[name] !== undefined)) {
    return off('It has no credentials here.');
  }
  const used = { ...given, ...emulated };
  const parsed = parseProviderSettings(definition, used);
  if ('wrong' in parsed) throw new BootError(parsed.wrong);
  const unclear = findUnclearOutcomes(definition, parsed.settings);
  if (unclear.length > 0) throw new BootError(unclear);
  return {
    settings: parsed.settings,
    disabledReason: null,
    perSecond,
    account: accountOf(definition, used),
    credentialId: credentialIdOf(definition, used),
  };
}

/**
 * An account of ACCOUNTS_FILE. `brought`: the credentials of its source; null if it has none, or none was fetched yet. Throws
 * `BootError`.
 */
export function setUpAccount(
  definition: AnyProvider,
  {
    name,
    plan: { given, perSecond, source },
    isOff,
  }: { readonly name: string; readonly plan: AccountPlan; readonly isOff: boolean },
  brought: Readonly<Record<string, string>> | null,
): ProviderSetup {
  const used = { ...given, ...brought };
  const account = {
    ...{ perSecond, account: `@${name}`, settings: null },
    // Credentials of a source change too often to tell whose they are.
    credentialId: source ? `@${name}` : credentialIdOf(definition, used),
  };
  if (isOff) return { ...account, disabledReason: 'Switched off by PROVIDERS_OFF.' };
  if (source && !brought) {
    return { ...account, disabledReason: 'Its credentials could not be fetched.' };
  }
  const parsed = parseProviderSettings(definition, used);
  if ('wrong' in parsed) throw new BootError(parsed.wrong);
  const unclear = findUnclearOutcomes(definition, parsed.settings);
  if (unclear.length > 0) throw new BootError(unclear);
  return { ...account, settings: parsed.settings, disabledReason: null };
}

/** A channel whose settings decide how its outcome arrives must give a valid source. */
function findUnclearOutcomes({ id, channels }: AnyProvider, settings: unknown): string[] {
  return Object.entries(channels).flatMap(([name, { outcome }]) => {
    if (typeof outcome === 'string') return [];
    try {
      if (['QUERY', 'NOTIFICATION', 'NONE'].includes(outcome(settings))) return [];
    } catch {
      // A function that throws is reported like a wrong result.
    }
    return [`provider "${id}": outcome of ${name} must return QUERY, NOTIFICATION or NONE.`];
  });
}

/**
 * Identifies the account by its endpoint and its first credential, which is a random id of the vendor. Keys of the
 * service are not used, because they change with each rotation.
 */
function accountOf(
  { credentials }: AnyProvider,
  settings: Readonly<Record<string, string>>,
): string {
  const [first = ''] = credentials;
  const text = JSON.stringify([settings['ENDPOINT'], settings[first]]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** The provider counts calls by its customer, whatever the endpoint. */
function credentialIdOf(
  { credentials }: AnyProvider,
  settings: Readonly<Record<string, string>>,
): string {
  const [first = ''] = credentials;
  const text = settings[first] ?? '';
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
