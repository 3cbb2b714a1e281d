import { ProviderFault } from '../contract/index.ts';
import { isLoopback } from '../core/is-loopback.ts';
import type { ConnectUpstream, SendUpstream } from '../ports/index.ts';

/** The HTTP client for providers. */
export interface UpstreamClient {
  readonly connect: ConnectUpstream;
  readonly send: SendUpstream;
}

/** Refuses all other addresses, because a plugin might ignore the endpoint that the sandbox gives it. */
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
