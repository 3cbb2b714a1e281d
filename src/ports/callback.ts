/**
 * Sends one message to a callback URL, as JSON. Resolves to the status of the response. Rejects if none came in time, or if
 * it is a redirect. Beats never hold up other messages.
 */
export type SendCallback = (
  url: string,
  message: object,
  options?: { readonly isBeat?: boolean },
) => Promise<number>;
