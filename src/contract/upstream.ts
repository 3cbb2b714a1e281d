/** One HTTP request to a provider. Headers and body are secret and never logged. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A string is sent as UTF-8. Bytes, such as a multipart form, are sent unchanged. */
  readonly body?: string | Uint8Array | undefined;
}

export interface UpstreamResponse {
  readonly status: number;
  /** Header names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
