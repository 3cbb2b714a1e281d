import { ProviderFault } from '../contract/index.ts';
import { isLoopback } from '../core/is-loopback.ts';
import type { ConnectUpstream, SendUpstream } from '../ports/index.ts';

/** HTTP to providers. */
export interface UpstreamClient {
  readonly connect: ConnectUpstream;
  readonly send: SendUpstream;
}

/** In the sandbox, requests go to loopback addresses only, whatever a plugin makes of its settings. */
export function onlyToLoopback({ connect, send }: UpstreamClient): UpstreamClient {
  const demandLoopback = (url: string): void => {
    if (!isLoopback(url)) throw new ProviderFault('not_sent');
  };
  return {
    connect: async (url, timeoutMs) => {
      demandLoopback(url);
      return connect(url, timeoutMs);
    },
    send: async (request, limits) => {
      demandLoopback(request.url);
      return send(request, limits);
    },
  };
}
