import assert from 'node:assert/strict';
import { parseProviderSettings } from '../../boot/parse-provider-settings.ts';
import { isLoopback } from '../../core/is-loopback.ts';
import { isEndpointSetting } from '../../boot/setting-names.ts';
import { group, skip, type Group } from '../group.ts';
import type { ConformanceSubject } from '../subject.ts';

/** If the plugin brings an emulation, it must run on this host and the plugin must accept its settings. */
export function sandboxGroup({ provider }: ConformanceSubject): Group {
  const { sandbox } = provider;
  if (!sandbox) return skip('sandbox', 'it brings no emulation of its own');
  return group('sandbox', [
    {
      title: 'starts on this host, with settings that the plugin accepts, and stops',
      run: async () => {
        const start = await sandbox();
        const upstream = await start({
          now: Date.now,
          givenSettings: {},
          toLoopback: () => null,
          accountUrl: `https://verification.example/callbacks/${provider.id}/account`,
        });
        try {
          const parsed = parseProviderSettings(provider, upstream.settings);
          assert.deepEqual('wrong' in parsed ? parsed.wrong : [], []);
          const endpoints = Object.entries(upstream.settings).filter(([name]) =>
            isEndpointSetting(name),
          );
          assert.ok(endpoints.length > 0, 'its settings have no ENDPOINT');
          for (const [name, url] of endpoints) {
            assert.ok(isLoopback(url), `${name} points to another host`);
          }
          for (const { action } of upstream.scenarios) {
            assert.equal(typeof action, 'string', 'a scenario names its action');
          }
        } finally {
          await upstream.close();
        }
      },
    },
  ]);
}
