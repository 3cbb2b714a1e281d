const name = 'verification_handoff';
/** Longer than any launch. */
const lastsSeconds = 24 * 3600;

/** Marks the browser that has gone on with a handoff, for its return. */
export function handoffCookie(proof: string, { isSecure }: { readonly isSecure: boolean }): string {
  const secure = isSecure ? '; Secure' : '';
  return `${name}=${proof}; Path=/return; Max-Age=${lastsSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** Null if there is none. */
export function readHandoffCookie(header: string | undefined): string | null {
  const [, proof = null] =
    new RegExp(`(?:^|;\\s*)${name}=([\\w-]{43})(?:;|$)`, 'u').exec(header ?? '') ?? [];
  return proof;
}
