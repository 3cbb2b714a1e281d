import type { UpstreamRequest } from '../../src/contract/index.ts';

/** A request that the provider of `createTestCore` answers and notes in its ledger. */
export function probeRequest(action: string, body: object = {}): UpstreamRequest {
  return {
    method: 'POST',
    url: 'https://provider.example/',
    headers: {},
    body: JSON.stringify({ action, ...body }),
  };
}
