import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { parseProviderSettings } from '../../boot/parse-provider-settings.ts';
import type { ChannelDefinition, StartInput } from '../../contract/index.ts';
import { onBench, type Bench } from '../create-bench.ts';
import { group, type Check, type Group } from '../group.ts';
import { afterStart, answeredCards, answeredStarts, isPass } from '../run-case.ts';
import type { ConformanceSubject, StartCase } from '../subject.ts';
import { readOnce } from './notifications.ts';

/** Everything that is declared exists and is called, and every call goes through core. */
export function channelsAndActionsGroup(subject: ConformanceSubject): Group {
  const { provider, outcomes = [] } = subject;
  const channels = Object.entries(provider.channels);
  const checks: Check[] = channels.flatMap(([name, channel]): Check[] => {
    const starts = answeredStarts(subject).filter((each) => each.channel === name);
    return [
      {
        title: `${name} can be started, by the action that it names`,
        run: async () => {
          assert.ok(
            starts.length > 0,
            `the subject has no start of ${name} with a regular response`,
          );
          for (const start of starts) {
            const calls = await callsOfStart(subject, start);
            assert.equal(calls.filter((each) => each === channel.action).length, 1);
            assert.equal(
              calls.filter((each) => effectOf(subject, each) === 'may_charge').length,
              Number(effectOf(subject, channel.action) === 'may_charge'),
              'another of its actions may charge: declare that one as the action of the channel',
            );
          }
        },
      },
      {
        title: `${name} prepares every input, and changes none`,
        run: () => {
          for (const start of starts) assertPrepares(subject, start);
        },
      },
      {
        title: `${name} refuses an input without its required fields`,
        run: async () => {
          for (const path of channel.requires) {
            for (const start of starts.slice(0, 1)) await assertRequired(subject, start, path);
          }
        },
      },
      ...(isAsked(subject, channel)
        ? [
            {
              title: `${name} has recorded outcomes, a pass and a different one`,
              run: () => {
                const own = outcomes.filter((each) => each.channel === name);
                assert.ok(own.some(isPass), 'none of them is a pass');
                assert.ok(!own.every(isPass), 'all of them are passes');
              },
            },
          ]
        : []),
    ];
  });
  if (provider.bankCard) {
    checks.push({
      title: 'bank card checks have recorded responses, a match and another outcome',
      run: () => {
        const outcomesOfCards = answeredCards(subject).map(({ expect }) =>
          'outcome' in expect ? expect.outcome : null,
        );
        assert.ok(outcomesOfCards.includes('MATCHED'), 'none of them is a match');
        assert.ok(
          outcomesOfCards.some((outcome) => outcome !== 'MATCHED'),
          'all of them are matches',
        );
      },
    });
  }
  checks.push(
    {
      title: 'every declared action is called by a case, and no other',
      run: async () => {
        const called = new Set<string>();
        await onEach(subject, async ({ observed }) => {
          for (const action of observed.calls) called.add(action);
        });
        const declared = Object.keys(provider.actions);
        const uncalled = declared.filter((action) => !called.has(action)).join(', ');
        assert.equal(uncalled, '', `no case calls ${uncalled}`);
        const unknown = [...called].filter((action) => !declared.includes(action)).join(', ');
        assert.equal(unknown, '', `${unknown} is called but not declared`);
      },
    },
    {
      title: 'everything is sent by call.send, to a URL of its settings',
      run: () =>
        onEach(subject, async ({ observed, upstream, contacted }) => {
          const others = [...contacted].filter((origin) => origin !== upstream.url).join(', ');
          assert.equal(others, '', `it sends to ${others}`);
          const stray = upstream.received.filter(({ action }) => action === null);
          assert.equal(stray.length, 0, 'a request was not sent by call.send');
          for (const action of observed.calls) {
            const isThere = upstream.received.some((request) => request.action === action);
            assert.ok(isThere, `${action} did not go to the endpoint of the settings`);
          }
        }),
    },
  );
  return group('channels and actions', checks);
}

function isAsked(
  { provider, settings }: ConformanceSubject,
  { outcome }: ChannelDefinition<unknown>,
): boolean {
  if (typeof outcome === 'string') return outcome === 'QUERY';
  // Throws what the plugin throws; the group reports it.
  const parsed = parseProviderSettings(provider, settings('http://127.0.0.1:1'));
  return 'settings' in parsed && outcome(parsed.settings) === 'QUERY';
}

function effectOf({ provider }: ConformanceSubject, action: string): string | undefined {
  return provider.actions[action]?.effect;
}

function callsOfStart(subject: ConformanceSubject, start: StartCase): Promise<readonly string[]> {
  const { settings, answers } = start;
  return onBench(subject, { settings, answers }, async (bench) => {
    await bench.start(start);
    return bench.observed.calls;
  });
}

async function assertRequired(
  subject: ConformanceSubject,
  start: StartCase,
  path: string,
): Promise<void> {
  const field = subject.provider.channels[start.channel]?.optionsField ?? null;
  // The options of a case do not contain the name of their field.
  const own = field === null ? path : path.replace(`options.${field}`, 'options');
  const input = without(start.input, own.split('.')) as StartCase['input'];
  const { settings, answers } = start;
  await onBench(subject, { settings, answers }, async (bench) => {
    const outcome = await bench.start({ ...start, input });
    const paths = outcome.kind === 'problem' ? outcome.problem.fields.map((each) => each.path) : [];
    assert.ok(paths.includes(path), `${path} is required, but may be left out`);
  });
}

/** A copy in which one member is null. */
function without(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined || typeof value !== 'object' || value === null) return null;
  const members = value as Readonly<Record<string, unknown>>;
  return { ...members, [name]: without(members[name], rest) };
}

/** A bench after a case, with the origins that were contacted during it. */
type Watched = Bench & { readonly contacted: ReadonlySet<string> };

/** Runs every case on its own bench. */
export async function onEach(
  subject: ConformanceSubject,
  look: (bench: Watched) => Promise<void>,
): Promise<void> {
  const { starts = [], outcomes = [], notifications = [], bankCards = [] } = subject;
  for (const each of starts) {
    await watchingHosts((contacted) =>
      onBench(subject, each, async (bench) => {
        await bench.start(each);
        await look({ ...bench, contacted });
      }),
    );
  }
  for (const each of outcomes) {
    await watchingHosts((contacted) =>
      afterStart(subject, each, {}, async (bench, id) => {
        await bench.ask(id);
        await look({ ...bench, contacted });
      }),
    );
  }
  for (const each of notifications) {
    await watchingHosts((contacted) =>
      readOnce(subject, each, async ({ bench, notification, read }) => {
        const answer = read(notification);
        if (answer) bench.observed.outcomes.push(answer);
        await look({ ...bench, contacted });
      }),
    );
  }
  for (const each of bankCards) {
    await watchingHosts((contacted) =>
      onBench(subject, each, async (bench) => {
        await bench.check(each);
        await look({ ...bench, contacted });
      }),
    );
  }
}

/**
 * Node's diagnostics channels report all requests: fetch and undici on one channel, node:http on another.
 */
async function watchingHosts<T>(work: (contacted: ReadonlySet<string>) => Promise<T>): Promise<T> {
  const contacted = new Set<string>();
  const onUndici = (message: unknown): void => {
    const { request } = message as { readonly request: { readonly origin?: string | URL } };
    contacted.add(String(request.origin));
  };
  const onHttp = (message: unknown): void => {
    const { request } = message as {
      readonly request: { readonly protocol: string; readonly host: string };
    };
    contacted.add(`${request.protocol}//${request.host}`);
  };
  subscribe('undici:request:create', onUndici);
  subscribe('http.client.request.start', onHttp);
  try {
    return await work(contacted);
  } finally {
    unsubscribe('undici:request:create', onUndici);
    unsubscribe('http.client.request.start', onHttp);
  }
}

/** For an input that lacks members, `prepare` must return the problems and must not change the input. */
function assertPrepares({ provider, settings }: ConformanceSubject, start: StartCase): void {
  const channel = provider.channels[start.channel];
  const parsed = parseProviderSettings(provider, {
    ...settings('http://127.0.0.1:1'),
    ...start.settings,
  });
  assert.ok(channel && 'settings' in parsed);
  const nothing: StartInput = {
    subject: { name: null, idNumber: null },
    referenceImage: null,
    extra: null,
    options: null,
  };
  const whole = { ...nothing, ...start.input };
  const inputs = [
    nothing,
    whole,
    { ...whole, subject: nothing.subject },
    { ...whole, referenceImage: null },
    { ...whole, extra: null },
    { ...whole, options: null },
  ];
  for (const input of inputs) {
    const context = { settings: parsed.settings, nowMs: Date.now(), doubt: () => {} };
    const given = frozen(structuredClone(input));
    try {
      channel.prepare(given, context);
    } catch (error) {
      const missing = Object.entries(input).filter(([, value]) => value === null);
      const said = error instanceof Error ? `${error.name}: ${error.message}` : 'something';
      const names = missing.map(([name]) => name).join(', ') || 'nothing';
      assert.fail(`prepare throws ${said} (left out: ${names})`);
    }
  }
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) frozen(each);
    Object.freeze(value);
  }
  return value;
}
