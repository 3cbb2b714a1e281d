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
        title: `${name} requires what it declares, and nothing else`,
        run: () => assertRequirements(subject, name, channel, starts),
      },
      {
        title: `${name} sends the browser to its return URL, or refuses a redirectUrl`,
        run: async () => {
          for (const start of starts) await assertReturns(subject, start);
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

/** An input with the required paths alone is accepted, and refused without any one of them. */
function assertRequirements(
  subject: ConformanceSubject,
  name: string,
  channel: ChannelDefinition<unknown>,
  starts: readonly StartCase[],
): void {
  const settings = settingsOf(subject, starts.at(0));
  const field = channel.optionsField;
  // The options of a case do not contain the name of their field.
  const toOwn = (path: string): string[] =>
    (field === null ? path : path.replace(`options.${field}`, 'options')).split('.');
  const sampleOf = (path: readonly string[]): unknown => {
    const sample = starts.map(({ input }) => memberOf(input, path)).find((value) => value !== null);
    assert.ok(sample !== undefined, `no start of ${name} gives ${path.join('.')}`);
    return sample;
  };
  const problemsOf = (input: StartInput): readonly string[] => {
    const prepared = channel.prepare(input, { settings, nowMs: Date.now(), doubt: () => {} });
    return 'problems' in prepared ? prepared.problems.map(({ path }) => path) : [];
  };
  const { requires: own } = channel;
  const byDefault = typeof own === 'function' ? own(settings) : own;
  const defaults = { title: 'by default', input: nothing, requires: byDefault };
  const withOptions = (channel.requiresWith ?? []).map(({ option, value, requires }) => ({
    title: `with ${option}${value === undefined ? '' : ` ${value}`}`,
    input: { ...nothing, options: { [option]: value ?? sampleOf(['options', option]) } },
    requires,
  }));
  for (const { title, input, requires } of [defaults, ...withOptions]) {
    const filled = (paths: readonly string[]): StartInput =>
      paths.reduce((given, path) => {
        const member = toOwn(path);
        return withMember(given, member, sampleOf(member)) as StartInput;
      }, input);
    const unsaid = problemsOf(filled(requires)).join(', ');
    assert.equal(unsaid, '', `${title}, ${unsaid} is needed and not in requires`);
    for (const path of requires) {
      const others = requires.filter((each) => each !== path);
      assert.ok(
        problemsOf(filled(others)).includes(path),
        `${title}, ${path} is required, but may be left out`,
      );
    }
  }
}

function memberOf(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value ?? null;
  if (typeof value !== 'object' || value === null) return null;
  return memberOf((value as Readonly<Record<string, unknown>>)[name], rest);
}

/** A copy in which one member has this value. */
function withMember(value: unknown, [name, ...rest]: readonly string[], member: unknown): unknown {
  if (name === undefined) return member;
  const members = (value ?? {}) as Readonly<Record<string, unknown>>;
  return { ...members, [name]: withMember(members[name], rest, member) };
}

async function assertReturns(subject: ConformanceSubject, start: StartCase): Promise<void> {
  const { settings, answers } = start;
  const input = { ...start.input, hasRedirectUrl: true };
  await onBench(subject, { settings, answers }, async (bench) => {
    const outcome = await bench.start({ ...start, input });
    const refused = outcome.kind === 'problem' ? outcome.problem.fields : [];
    if (refused.some(({ path }) => path === 'redirectUrl')) return;
    assert.ok(
      bench.observed.returnUrlReads > 0,
      'its start does not use returnUrl: refuse a redirectUrl (hasRedirectUrl)',
    );
  });
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
      readOnce(subject, each, async ({ bench, notification, read, verify }) => {
        await verify();
        read(notification);
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

const nothing: StartInput = {
  subject: { name: null, idNumber: null },
  referenceImage: null,
  extra: null,
  hasRedirectUrl: false,
  options: null,
  identity: 'MASKED',
};

/** The settings of a case, as the plugin's schema reads them. */
function settingsOf(
  { provider, settings }: ConformanceSubject,
  start: StartCase | undefined,
): unknown {
  const given = { ...settings('http://127.0.0.1:1'), ...start?.settings };
  const parsed = parseProviderSettings(provider, given);
  assert.ok('settings' in parsed, 'the settings of the subject are refused');
  return parsed.settings;
}

/** For an input that lacks members, `prepare` must return the problems and must not change the input. */
function assertPrepares(subject: ConformanceSubject, start: StartCase): void {
  const channel = subject.provider.channels[start.channel];
  assert.ok(channel);
  const settings = settingsOf(subject, start);
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
    const context = { settings, nowMs: Date.now(), doubt: () => {} };
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
