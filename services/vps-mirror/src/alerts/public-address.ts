import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Which addresses a company's webhook may go to. A webhook makes the Core call an address that somebody else chose: it must
 * not reach what is only meant for the Core's own network (OWASP SSRF prevention; IANA special-purpose address registries).
 */

const special = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  special.addSubnet(net, prefix, 'ipv4');
/** Inside global unicast: protocol assignments with Teredo, documentation, and 6to4, which carries an IPv4 address. */
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(net, prefix, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  return family === 6 && globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** Why a webhook cannot go to this URL, or null. Names are judged again when they are resolved. */
export function targetFault(url: URL): string | null {
  if (url.protocol !== 'https:') return 'the address must begin with https://';
  if (url.username !== '' || url.password !== '') return 'the address must not hold a password';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 && !isPublicAddress(host) ? 'the address is not a public one' : null;
}

/**
 * Resolves a name for one connection and refuses it when any of its addresses is not public. The connection goes to the
 * very addresses that were judged: a name that changes in between (DNS rebinding) gains nothing.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    const hidden = error === null && addresses.some(({ address }) => !isPublicAddress(address));
    const fault = error ?? (hidden ? new Error(`${hostname} does not resolve to public addresses only`) : null);
    if (fault !== null || options.all) callback(fault, fault === null ? addresses : []);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
  });
};
