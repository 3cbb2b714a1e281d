import {
  Secret,
  type ChannelDefinition,
  type OutcomeAnswer,
  type Progress,
  type ProviderCall,
  type ProviderDefinition,
  type Started,
  type StartInput,
} from '../../src/contract/index.ts';
import { parseProviderSettings } from '../../src/boot/parse-provider-settings.ts';

export interface SentCall {
  readonly action: string;
  readonly headers: Readonly<Record<string, string>>;
  // Tests read into bodies whose shape they assert.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

/** Settings without real credentials. */
export const someSettings = {
  SECRET_ID: 'AKIDtest',
  SECRET_KEY: 'test-key',
  MERCHANT_ID: '0NSJ240626160443125212',
};

/** A call for a plugin that gets its responses from a table and records the requests. */
export function fakeCall<Settings>(
  definition: ProviderDefinition<Settings>,
  answers: Readonly<Record<string, unknown>>,
  settings: Record<string, string> = someSettings,
): {
  readonly call: ProviderCall<Settings>;
  readonly sent: SentCall[];
  readonly settings: Settings;
} {
  const parsed = parseProviderSettings(definition, settings);
  if ('wrong' in parsed) throw new Error(parsed.wrong.join('\n'));
  const sent: SentCall[] = [];
  const call: ProviderCall<Settings> = {
    settings: parsed.settings as Settings,
    now: () => 1_800_000_000_000,
    sleep: async () => {},
    accessToken: async (_name, fetch) => new Secret((await fetch()).token),
    send: async (upstream) => {
      const request = upstream.build(1_800_000_000_000, 1_800_000_000_000);
      sent.push({
        action: upstream.action,
        headers: request.headers,
        body: JSON.parse(String(request.body ?? 'null')),
      });
      const answer = answers[upstream.action];
      if (answer instanceof Error) throw answer;
      const response = { ...(answer as object), RequestId: 'r-1' };
      const body = Buffer.from(JSON.stringify({ Response: response }));
      return upstream.read({ status: 200, headers: {}, body }, { requestId: () => {} });
    },
  };
  return { call, sent, settings: call.settings };
}

export function channelOf<Settings>(
  definition: ProviderDefinition<Settings>,
  name: string,
): ChannelDefinition<Settings> {
  const channel = definition.channels[name];
  if (!channel) throw new Error(`no channel ${name}`);
  return channel;
}

/** An input for `prepare` with only what a test cares about. */
export function startInput(given: Partial<StartInput> = {}): StartInput {
  return {
    subject: { name: null, idNumber: null },
    referenceImage: null,
    hasRedirectUrl: false,
    extra: null,
    options: null,
    identity: 'MASKED',
    ...given,
  };
}

/** Queries the outcome of a verification. */
export function askOutcome<Settings>(
  channel: ChannelDefinition<Settings>,
  call: ProviderCall<Settings>,
  session: Started['session'],
  progress: Progress = { hasReturned: false, isOver: false },
): Promise<OutcomeAnswer> {
  if (!channel.fetchOutcome) throw new Error('nobody can be asked');
  return channel.fetchOutcome(call, session, progress);
}
