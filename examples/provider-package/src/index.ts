import { contractVersion, defineProvider } from 'verification-subgraph/provider';
import { document } from './document.ts';
import { faults } from './mapping.ts';
import { typeDefs } from './schema.ts';
import { settingsSchema } from './settings.ts';

/** Checks of documents by their photos. */
export const provider = defineProvider({
  contractVersion,
  id: 'doclens',
  title: 'Doclens document checks',
  jurisdiction: 'INTL',
  settings: settingsSchema,
  // The first tells accounts apart, each of which has a quota of its own.
  credentials: ['CLIENT_ID', 'CLIENT_SECRET', 'WEBHOOK_SECRET'],
  actions: {
    'oauth/token': { effect: 'read', perSecond: 2, maxResponseBytes: 16 * 1024 },
    // Every accepted check costs a unit.
    'checks/create': {
      effect: 'may_charge',
      perSecond: 5,
      maxResponseBytes: 16 * 1024,
      retryableCodes: ['invalid_token'],
    },
  },
  faults,
  channels: { DOCLENS_DOCUMENT: document },
  typeDefs,
  sandbox: async () => (await import('./sandbox.ts')).startSandbox,
});
