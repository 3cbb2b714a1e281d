import { contractVersion, defineProvider } from 'verification-subgraph/provider';
import { faults } from './mapping.ts';
import { typeDefs } from './schema.ts';
import { settingsSchema } from './settings.ts';
import { web } from './web.ts';

/** The whole provider. */
export const provider = defineProvider({
  contractVersion,
  id: 'my-provider',
  title: 'My provider',
  jurisdiction: 'INTL',
  settings: settingsSchema,
  credentials: ['API_KEY'],
  actions: {
    // Costs nothing. An action that may cost something has the effect may_charge.
    createIdentity: { effect: 'free_start', perSecond: 10, maxResponseBytes: 64 * 1024 },
    getIdentity: { effect: 'read', perSecond: 10, maxResponseBytes: 64 * 1024 },
  },
  faults,
  channels: { MY_PROVIDER_WEB: web },
  typeDefs,
  sandbox: async () => (await import('./sandbox.ts')).startSandbox,
});
