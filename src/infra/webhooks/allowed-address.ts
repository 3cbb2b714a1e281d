import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = [Address, number];

/** A network such as `10.0.0.0/8`; null for another text. */
export function toNetwork(text: string): Network | null {
  return ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : null;
}

/**
 * Whether an address may be connected to: it is public, or in one of the networks. Private, loopback, link-local, shared,
 * translated, reserved and multicast addresses are not public.
 */
export function isAllowedAddress(text: string, networks: readonly Network[]): boolean {
  return isPublic(text) || isInNetworks(text, networks);
}

export function isInNetworks(text: string, networks: readonly Network[]): boolean {
  if (!ipaddr.isValid(text)) return false;
  // An IPv4 address inside of an IPv6 address reaches the IPv4 address.
  const address = ipaddr.process(text);
  return networks.some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  );
}

function isPublic(text: string): boolean {
  return ipaddr.isValid(text) && ipaddr.process(text).range() === 'unicast';
}
