export interface TencentCredentials {
  readonly secretId: string;
  readonly secretKey: string;
  /** Only for temporary credentials (STS), which are not accepted without it. */
  readonly token?: string;
}

/** The credentials that sign a request, or the error code for its id and token. */
export function findCredentials(
  all: readonly TencentCredentials[],
  secretId: string | undefined,
  token: string | undefined,
): TencentCredentials | string {
  const found = all.find((each) => each.secretId === secretId);
  if (!found) return 'AuthFailure.SecretIdNotFound';
  return found.token === token ? found : 'AuthFailure.TokenFailure';
}
