import {
  ProviderErrorResponse,
  ProviderFault,
  type AccessToken,
  type ProviderCall,
  type Secret,
  type UpstreamResponse,
} from 'verification-subgraph/provider';
import { z } from 'zod';
import type { Settings } from './settings.ts';

type Call = ProviderCall<Settings>;

export interface CheckRequest {
  /** The vendor repeats it in its webhook. */
  readonly reference: string;
  readonly type: string;
  readonly country: string;
  readonly front: string;
  readonly back: string | null;
  readonly note: string | null;
}

const created = z.object({ check_id: z.string().min(1) });

/** Accepts a check, which costs a unit of the account. */
export async function createCheck(call: Call, payload: CheckRequest): Promise<string> {
  const obtain = (): Promise<Secret> => call.accessToken('api', () => fetchToken(call));
  let token = await obtain();
  const { check_id: id } = await call.send({
    action: 'checks/create',
    build: () => ({
      method: 'POST',
      url: new URL('/v2/checks', call.settings.endpoint).href,
      headers: {
        authorization: `Bearer ${token.reveal()}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(payload),
    }),
    read: (answer) => created.parse(readData(answer)),
    // Tokens can expire early (`retryableCodes`).
    renew: async () => {
      token = await obtain();
    },
  });
  return id;
}

const granted = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/** OAuth 2.0, client credentials (RFC 6749, 4.4). */
function fetchToken(call: Call): Promise<AccessToken> {
  const { clientId, clientSecret, endpoint } = call.settings;
  return call.send({
    action: 'oauth/token',
    build: () => ({
      method: 'POST',
      url: new URL('/oauth/token', endpoint).href,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId.reveal(),
        client_secret: clientSecret.reveal(),
      }).toString(),
    }),
    read: (answer) => {
      const { access_token: token, expires_in: expiresInSeconds } = granted.parse(readData(answer));
      return { token, expiresInSeconds };
    },
  });
}

const refusal = z.object({ error: z.string() });

function readData({ status, body }: UpstreamResponse): unknown {
  if (status >= 500) throw new ProviderFault('protocol');
  const data: unknown = JSON.parse(body.toString('utf8'));
  if (status >= 200 && status < 300) return data;
  throw new ProviderErrorResponse(refusal.parse(data).error);
}
