import {
  ProviderErrorResponse,
  ProviderFault,
  type ProviderCall,
  type UpstreamResponse,
} from 'verification-subgraph/provider';
import { z } from 'zod';
import type { Settings } from './settings.ts';

// Requests, and the response fields that are read. Other fields are ignored.
type Call = ProviderCall<Settings>;

export interface CreateRequest {
  readonly fullName: string;
  readonly returnUrl: string;
  readonly language: string;
  readonly reference: string | null;
}

const created = z.object({ id: z.string().min(1), url: z.url(), expiresInSeconds: z.number() });

export function createIdentity(
  call: Call,
  payload: CreateRequest,
): Promise<z.output<typeof created>> {
  return call.send({
    action: 'createIdentity',
    build: () => ({
      method: 'POST',
      url: new URL('/v1/identities', call.settings.endpoint).href,
      headers: { ...authorization(call), 'content-type': 'application/json' },
      body: JSON.stringify(payload),
    }),
    read: (answer) => created.parse(readData(answer)),
  });
}

const identity = z.object({
  state: z.string(),
  documentCountry: z.string().nullish().catch(null),
});

export type Identity = z.output<typeof identity>;

export function getIdentity(call: Call, id: string): Promise<Identity> {
  return call.send({
    action: 'getIdentity',
    build: () => ({
      method: 'GET',
      url: new URL(`/v1/identities/${encodeURIComponent(id)}`, call.settings.endpoint).href,
      headers: authorization(call),
    }),
    read: (answer) => identity.parse(readData(answer)),
  });
}

function authorization({ settings }: Call): Record<string, string> {
  return { authorization: `Bearer ${settings.apiKey.reveal()}` };
}

const envelope = z.object({ error: z.object({ code: z.string() }).nullish() });

/** The provider's error code decides what an error means. Without a code, a proxy may have answered. */
function readData({ status, body }: UpstreamResponse): unknown {
  if (status >= 500) throw new ProviderFault('protocol');
  const data: unknown = JSON.parse(body.toString('utf8'));
  const { error } = envelope.parse(data);
  if (error) throw new ProviderErrorResponse(error.code);
  if (status !== 200) throw new ProviderFault('protocol');
  return data;
}
