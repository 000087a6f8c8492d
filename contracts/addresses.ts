/**
 * Whether an address may be called as it is written. Used when a provider is defined, and again at each call.
 */

/** @returns what is wrong with an `http:` address off this machine, in words; undefined for any other, and for what is no address. */
export function plainHttpMistake(address: string): string | undefined {
  // Nearly every address; no other scheme begins so.
  if (address.startsWith('https:') || !URL.canParse(address)) return undefined;
  const { protocol, origin, hostname } = new URL(address);
  if (protocol !== 'http:' || isThisMachine(hostname)) return undefined;
  return (
    `goes to ${origin} in clear: whoever is on the way reads the account's token. Use https, ` +
    'or say `allowPlainHttp: true` in the provider where the way is safe.'
  );
}

/** @see RFC 6761 §6.3 (`localhost` and what is below it), RFC 1122 §3.2.1.3 (127.0.0.0/8) */
function isThisMachine(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
