import { ProviderFault, type Launch } from '../../contract/index.ts';

/**
 * A launch as it may be handed to a browser: its addresses are https, in the sandbox http as well, and
 * hold no control characters or blanks. An optional address that is not is left out.
 *
 * Throws `ProviderFault('protocol')` where the address that is needed is none.
 */
export function checkLaunch(
  launch: Launch | null,
  { sandbox }: { readonly sandbox: boolean },
): Launch | null {
  if (!launch || launch.kind === 'sdk_token') return launch;
  const orNone = (url: string | undefined): string | undefined =>
    url !== undefined && isSafe(url, sandbox) ? url : undefined;
  const longUrl = orNone(launch.longUrl);
  if (launch.kind === 'mini_program') return { ...launch, url: orNone(launch.url), longUrl };
  if (!isSafe(launch.url, sandbox)) throw new ProviderFault('protocol');
  return { ...launch, longUrl };
}

function isSafe(url: string, sandbox: boolean): boolean {
  // Parsing would drop these, and a browser may read them otherwise.
  if (/[\p{Cc}\p{Z}]/u.test(url) || !URL.canParse(url)) return false;
  const { protocol } = new URL(url);
  return protocol === 'https:' || (sandbox && protocol === 'http:');
}
