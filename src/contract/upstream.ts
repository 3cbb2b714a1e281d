/** One HTTP request to a provider. Headers and body are secret: they are never logged. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text is sent as UTF-8; bytes, such as a multipart form, as they are. */
  readonly body?: string | Uint8Array | undefined;
}

export interface UpstreamResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
