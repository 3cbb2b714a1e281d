import type { MediaKind, ToldMedia } from '../../src/contract/plugin-api.ts';

/**
 * The recordings that are in the bucket of the account: then an address stands where base64 would (page 49199). Base64
 * begins with `AAAA` or `/9j/`, and is never kept.
 */
export function toMedia(
  members: Partial<Record<MediaKind, string | null | undefined>>,
): readonly ToldMedia[] {
  return Object.entries(members).flatMap(([kind, address]) =>
    typeof address === 'string' && address.startsWith('https://')
      ? [{ kind: kind as MediaKind, address }]
      : [],
  );
}
