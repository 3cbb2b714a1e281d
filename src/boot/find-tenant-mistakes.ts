import type { AnyProvider } from '../contract/index.ts';
import { defaultAccount, type Routing } from '../core/upstream/registry.ts';
import { toMistake, type AccountsFileForm } from './accounts-file-schema.ts';
import { findRoutingMistakes } from './find-routing-mistakes.ts';

/** What the rest of the configuration says. */
export interface RestOfConfig {
  readonly definitions: readonly AnyProvider[];
  readonly routing: Routing;
  readonly retentionDays: number;
  readonly bankCardCacheSeconds: number;
}

/** What is wrong with the tenants of the file beyond its form: a line for each mistake, by its path. */
export function findTenantMistakes(
  { accounts, tenants }: AccountsFileForm,
  rest: RestOfConfig,
): string[] {
  const { definitions, routing } = rest;
  const ids = definitions.map(({ id }) => id);
  return Object.entries(tenants).flatMap(([tenantId, given]) => {
    const at = (...path: string[]): string[] => ['tenants', tenantId, ...path];
    const unknown = (given.providers ?? []).some((id) => !ids.includes(id));
    const route = new Map([...routing, ...Object.entries(given.routing ?? {})]);
    const {
      days: kept = rest.retentionDays,
      personalDays = Infinity,
      cardCacheSeconds: cached = rest.bankCardCacheSeconds,
    } = given.retention ?? {};
    return [
      ...(unknown ? [toMistake(at('providers'), `must be of ${ids.join(', ')}`)] : []),
      ...Object.entries(given.accounts ?? {}).flatMap(([id, uses]) =>
        findUseMistakes(
          definitions.find((each) => each.id === id),
          accounts[id] ?? {},
          uses,
        ).map((message) => toMistake(at('accounts', id), message)),
      ),
      ...toRouteMistakes(at('routing'), new Map(Object.entries(given.routing ?? {})), definitions),
      ...Object.entries(given.shares ?? {}).flatMap(([channel, shares]) => {
        const sum = Object.values(shares).reduce((all, each) => all + each, 0);
        const path = at('shares', channel);
        const base = route.get(channel);
        if (!base) return [toMistake(path, 'needs a route for this channel')];
        return [
          ...(sum > 100 ? [toMistake(path, 'must not be more than 100 percent together')] : []),
          ...Object.keys(shares).flatMap((id) =>
            toRouteMistakes(
              path,
              new Map([[channel, [id, ...base.filter((each) => each !== id)]]]),
              definitions,
            ),
          ),
        ];
      }),
      // A redaction finds cached results by the personal part of the records of their checks.
      ...(cached > kept * 86_400
        ? [
            toMistake(
              at('retention', 'days'),
              'must not be shorter than results of cards are cached',
            ),
          ]
        : []),
      ...(cached > personalDays * 86_400
        ? [
            toMistake(
              at('retention', 'personalDays'),
              'must not be shorter than results of cards are cached (cardCacheSeconds)',
            ),
          ]
        : []),
    ];
  });
}

function toRouteMistakes(
  path: readonly string[],
  routing: Routing,
  definitions: readonly AnyProvider[],
): string[] {
  return findRoutingMistakes(routing, definitions, true).map((line) =>
    toMistake(path, line.replace(/^ROUTING (?:of )?/u, '')),
  );
}

function findUseMistakes(
  definition: AnyProvider | undefined,
  named: object,
  uses:
    string | readonly { readonly account: string; readonly for?: readonly string[] | undefined }[],
): string[] {
  if (!definition) return ['is no provider'];
  const { channels, actions } = definition;
  const known = [...Object.keys(channels), ...Object.keys(actions)];
  const all = typeof uses === 'string' ? [{ account: uses }] : uses;
  return all.flatMap((use) => {
    const isKnown = use.account === defaultAccount || Object.hasOwn(named, use.account);
    const names = 'for' in use ? (use.for ?? []) : [];
    return [
      ...(isKnown ? [] : ['must name accounts of this provider, or default']),
      ...(names.every((name) => known.includes(name))
        ? []
        : [`must be for channels or actions of ${known.join(', ')}`]),
    ];
  });
}
