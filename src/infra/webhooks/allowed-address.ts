import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = readonly [Address, number];

/** Of receivers that are not in a network which the operator named. Empty: that of https. */
export const publicPorts: readonly string[] = ['', '8443'];
/** The part of IPv6 that is given out for public use (IANA, 2026-11). */
const publicIpv6 = ipaddr.parseCIDR('2000::/3');
/** Azure's own services for a virtual machine. It looks public. */
const platformAddresses = ['168.63.129.16'];

/**
 * A network such as `10.0.0.0/8`; null for another text. Its address has to be the first one of the network, without leading
 * zeros: libraries read `10/8` and `010.0.0.0/8` in different ways.
 */
export function toNetwork(text: string): Network | null {
  if (!ipaddr.isValidCIDR(text)) return null;
  const [address, bits] = ipaddr.parseCIDR(text);
  const given = text.slice(0, text.lastIndexOf('/'));
  if (address.kind() === 'ipv4') {
    const first = ipaddr.IPv4.networkAddressFromCIDR(text).toString();
    return given === first ? [address, bits] : null;
  }
  const first = ipaddr.IPv6.networkAddressFromCIDR(text).toString();
  // An IPv4 address inside of IPv6 is compared as IPv4.
  const isMapped = ipaddr.process(given).kind() === 'ipv4';
  return address.toString() === first && !isMapped ? [address, bits] : null;
}

/** Whether an address is in one of the networks. */
export function isInNetworks(text: string, networks: readonly Network[]): boolean {
  if (!ipaddr.isValid(text)) return false;
  // An IPv4 address inside of an IPv6 address reaches the IPv4 address.
  const address = ipaddr.process(text);
  return networks.some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  );
}

/** Private, loopback, link-local, shared, translated, reserved and multicast addresses are not public. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (address.range() !== 'unicast' || platformAddresses.includes(address.toString())) return false;
  return address.kind() === 'ipv4' || address.match(publicIpv6);
}
