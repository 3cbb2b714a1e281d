import type { UpstreamResponse, UpstreamRequest } from '../contract/index.ts';

/** A connection that stands, for one request. */
export interface UpstreamConnection {
  /** Lets go of it where no request was sent over it. */
  readonly release: () => void;
}

/**
 * Connects to the origin of a URL, so that a request can be sent in the moment in which its turn comes.
 * Throws `ProviderFault('not_sent')`.
 */
export type ConnectUpstream = (url: string, timeoutMs: number) => Promise<UpstreamConnection>;

/** The request was about to be written when its moment of sending was over. No byte was sent. */
export class MissedTurn extends Error {
  override readonly name = 'MissedTurn';

  constructor() {
    super('the moment of sending is over');
  }
}

/**
 * Sends one request. Settles within `timeoutMs`; never follows a redirect, never repeats.
 * Throws `ProviderFault`: `not_sent`, `timeout`, `connection_lost`, `protocol`; and `MissedTurn`.
 */
export type SendUpstream = (
  request: UpstreamRequest,
  limits: {
    readonly timeoutMs: number;
    readonly maxBytes: number;
    /** Texts of a JSON answer with more characters come empty. */
    readonly dropStringsOver?: number | undefined;
    /** The connection to use; another one where it goes elsewhere or has been closed. */
    readonly connection?: UpstreamConnection | undefined;
    /** Asked right before the first byte is written; false prevents that. */
    readonly isInTime?: (() => boolean) | undefined;
  },
) => Promise<UpstreamResponse>;
