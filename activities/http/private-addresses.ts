/**
 * Addresses that are no public ones: this machine, private networks, and the link-local ones where clouds keep the credentials of
 * a machine. A call whose address comes from an account or an answer must not reach them. Used by `agents.ts` and `send.ts`.
 * @see RFC 6890 (special-purpose addresses), RFC 6598 (shared), RFC 4193 (unique local), RFC 6052 (IPv4 in IPv6)
 */
import { BlockList, isIP } from 'node:net';

/** `code` of the error. */
export const PRIVATE_ADDRESS = 'SLUICE_PRIVATE_ADDRESS';

const blocked = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  blocked.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  blocked.addSubnet(network, prefix, 'ipv6');

/** @returns the error to end with when one of them is private; undefined when all may be connected to. */
export function refusePrivateAddresses(
  hostname: string,
  addresses: readonly { readonly address: string }[],
): NodeJS.ErrnoException | undefined {
  const found = addresses.find(({ address }) => isPrivate(address));
  return found && refusal(hostname, found.address);
}

/** The same of a host that is written as an address: such a one is not looked up. */
export function privateHost(hostname: string): NodeJS.ErrnoException | undefined {
  const address = hostname.replace(/^\[|\]$/g, '');
  return isIP(address) > 0 && isPrivate(address) ? refusal(hostname, address) : undefined;
}

function isPrivate(address: string): boolean {
  if (isIP(address) === 4) return blocked.check(address, 'ipv4');
  const embedded = embeddedV4(address);
  return blocked.check(address, 'ipv6') || (embedded !== undefined && blocked.check(embedded, 'ipv4'));
}

/** Of addresses that stand for an IPv4 one: mapped (`::ffff:`), translated (`64:ff9b::`) and 6to4 (`2002:`). */
function embeddedV4(address: string): string | undefined {
  // The URL parser writes an IPv6 address in one way, and IPv4 parts of it as hexadecimal ones.
  const written = new URL(`http://[${address.split('%', 1)[0]}]`).hostname.slice(1, -1);
  const tail = /^(?:::(?:ffff:)?|64:ff9b::)(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/.exec(written);
  const words = tail ? [tail[1] ?? '0', tail[2]] : /^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4}):/.exec(written)?.slice(1);
  if (!words) return undefined;
  return words
    .map((word) => Number.parseInt(word as string, 16))
    .flatMap((word) => [word >> 8, word & 255])
    .join('.');
}

function refusal(hostname: string, address: string): NodeJS.ErrnoException {
  const where = hostname.replace(/^\[|\]$/g, '') === address ? address : `${hostname} (${address})`;
  return Object.assign(
    new Error(
      `${where} is an address of a private network, and it comes from an account or an answer. ` +
        'Where it is meant, name it in `hosts` of the provider, or say `allowPrivateAddresses: true` there.',
    ),
    { code: PRIVATE_ADDRESS },
  );
}
