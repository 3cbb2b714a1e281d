import type { UpstreamResponse, UpstreamRequest } from '../contract/index.ts';

/** An open connection, for one request. */
export interface UpstreamConnection {
  /** Releases the connection if no request was sent over it. */
  readonly release: () => void;
}

/**
 * Connects to the origin of a URL in advance, so that the request can be sent as soon as its slot begins.
 * Throws `ProviderFault('not_sent')`.
 */
export type ConnectUpstream = (url: string, timeoutMs: number) => Promise<UpstreamConnection>;

/** The slot had passed when the request was about to be written. No byte was sent. */
export class MissedTurn extends Error {
  override readonly name = 'MissedTurn';

  constructor() {
    super('the slot is over');
  }
}

/**
 * Sends one request. Settles within `timeoutMs`. Never follows a redirect and never retries. Throws
 * `ProviderFault` (`not_sent`, `timeout`, `connection_lost`, `protocol`) and `MissedTurn`.
 */
export type SendUpstream = (
  request: UpstreamRequest,
  limits: {
    readonly timeoutMs: number;
    readonly maxBytes: number;
    /** Strings of a JSON response with more characters than this are replaced by empty strings. */
    readonly dropStringsOver?: number | undefined;
    /** The connection to use. Another one is used if the origin differs or this one is closed. */
    readonly connection?: UpstreamConnection | undefined;
    /** Called before the first byte is written, the last time right before it. If it returns false, nothing is sent. */
    readonly isInTime?: (() => boolean) | undefined;
  },
) => Promise<UpstreamResponse>;
