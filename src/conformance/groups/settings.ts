import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { parseProviderSettings } from '../../boot/parse-provider-settings.ts';
import { isEndpointSetting, settingPrefix } from '../../boot/setting-names.ts';
import { group, type Group } from '../group.ts';
import { secretNames } from '../secret-settings.ts';
import type { ConformanceSubject } from '../subject.ts';

const endpoint = 'http://127.0.0.1:1';
/** A text that no setting contains, so that it is found wherever it is repeated. */
const leaks = ['leak-5f0c\u0007 !', 'l3k\u0007'];
const [leak = ''] = leaks;
const unknown = 'CONFORMANCE_UNKNOWN';

/** If the subject's own settings are refused, there is no bench for the other groups. */
export function takesItsSettings({ provider, settings }: ConformanceSubject): boolean {
  return 'settings' in parseProviderSettings(provider, settings(endpoint));
}

/** Settings are refused by name, never with their value. */
export function settingsGroup({ provider, settings }: ConformanceSubject): Group {
  const valid = settings(endpoint);
  const prefix = settingPrefix(provider.id);
  const wrongWith = (changes: Readonly<Record<string, string | undefined>>): readonly string[] => {
    const given = Object.entries({ ...valid, ...changes }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const parsed = parseProviderSettings(provider, Object.fromEntries(given));
    return 'wrong' in parsed ? parsed.wrong : [];
  };

  /** The schema's own messages. The service drops those that repeat a value. */
  const messagesWith = (changes: Readonly<Record<string, string>>): readonly string[] => {
    const parsed = provider.settings['~standard'].validate({ ...valid, ...changes });
    const issues = 'issues' in parsed ? (parsed.issues ?? []) : [];
    return issues.map(({ message }) => message);
  };

  return group('settings', [
    {
      title: 'accepts the settings of its tests',
      run: () => assert.deepEqual(wrongWith({}), []),
    },
    {
      title: 'gets its endpoint from a setting',
      run: () => {
        const leading = Object.entries(valid).filter(([, value]) => value.startsWith(endpoint));
        assert.ok(leading.length > 0, 'no setting contains the endpoint');
        for (const [name] of leading) {
          assert.ok(
            isEndpointSetting(name),
            `${name} contains a URL to call, so its name must end with ENDPOINT`,
          );
          const refusals = wrongWith({ [name]: 'no URL at all' });
          assert.ok(refusals.length > 0, `${name} accepts a value that is not a URL`);
        }
      },
    },
    {
      title: 'refuses a setting that it does not know, by name',
      run: () => {
        const lines = wrongWith({ [unknown]: leak });
        const isNamed = lines.some((line) => line.includes(`${prefix}${unknown}`));
        assert.ok(isNamed, 'the schema must be strict and name the unknown setting');
      },
    },
    {
      title: 'names what is missing',
      run: () => {
        for (const name of Object.keys(valid)) {
          const lines = wrongWith({ [name]: undefined });
          const isNamed = lines.length === 0 || lines.some((line) => line.includes(name));
          assert.ok(isNamed, `without ${name} the schema says: ${lines.join(' ')}`);
        }
      },
    },
    {
      title: 'never repeats a value',
      run: () => {
        for (const name of [...Object.keys(valid), unknown]) {
          for (const value of leaks) {
            const lines = messagesWith({ [name]: value }).join(' ');
            const isRepeated =
              lines.includes(value) || lines.includes(value.split('\u0007')[0] ?? value);
            assert.ok(!isRepeated, `a message repeats the wrong value of ${name}`);
          }
        }
      },
    },
    {
      title: 'knows each of its credentials',
      run: () => {
        assert.ok(provider.credentials.length > 0, 'without credentials it is never enabled');
        for (const name of provider.credentials) {
          const lines = wrongWith({ [name]: valid[name] ?? 'x'.repeat(40) });
          const isKnown = !lines.some((line) => line.includes('is not a setting'));
          assert.ok(isKnown, `${name} is a credential but not a setting`);
        }
        const isGiven = provider.credentials.some((name) => valid[name] !== undefined);
        assert.ok(isGiven, 'the settings of the tests have no credential');
      },
    },
    {
      title: 'keeps its credentials sealed',
      run: () => {
        const parsed = parseProviderSettings(provider, valid);
        if ('wrong' in parsed) assert.fail(parsed.wrong.join(' '));
        const printed = `${JSON.stringify(parsed.settings)} ${inspect(parsed.settings, { depth: 9 })}`;
        for (const name of secretNames({ provider }, valid)) {
          const isSealed = !printed.includes(valid[name] ?? '');
          assert.ok(isSealed, `${name} is printed with the settings: make a Secret of it`);
        }
      },
    },
  ]);
}
