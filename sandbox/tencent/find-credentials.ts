export interface TencentCredentials {
  readonly secretId: string;
  readonly secretKey: string;
  /** Only with temporary ones (STS): they open nothing without it. */
  readonly token?: string;
}

/** Whose key signs a request, or the error code that the pair of id and token deserves. */
export function findCredentials(
  all: readonly TencentCredentials[],
  secretId: string | undefined,
  token: string | undefined,
): TencentCredentials | string {
  const found = all.find((each) => each.secretId === secretId);
  if (!found) return 'AuthFailure.SecretIdNotFound';
  return found.token === token ? found : 'AuthFailure.TokenFailure';
}
