/**
 * Hosts as a provider states them: which addresses may be sent an account's secrets. `*.myshopify.com` stands for one name before
 * `.myshopify.com`; `*` alone for any host.
 * Used by: providers/define/define-provider.ts, activities/http/build-request.ts.
 */

const ANY = '*';

/** @returns what is wrong with a pattern, in words. */
export function hostMistake(pattern: string): string | undefined {
  if (pattern === ANY) return undefined;
  const [, host = ''] = /^([^:]+)(?::\d+)?$/.exec(pattern) ?? [];
  const names = host.split('.');
  if (!names.every((name) => name === ANY || /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)))
    return `host "${pattern}" is not understood; write "api.shop.example", "*.shop.example", "localhost:8080", or "*" for any host`;
  if (names.slice(-2).includes(ANY))
    return `host "${pattern}" lets in hosts of anybody; write a name that belongs to the third party, e.g. "*.shop.example", or "*" for any host`;
  return undefined;
}

/** Whether the address is at a host that the pattern stands for, at the port that it names (default: that of the scheme). */
export function fitsHost(pattern: string, url: URL): boolean {
  if (pattern === ANY) return true;
  const wanted = pattern.split('.');
  const names = url.host.split('.');
  return (
    wanted.length === names.length &&
    wanted.every((name, index) => name === names[index] || (name === ANY && names[index] !== ''))
  );
}

/** Such a host belongs to one party; a pattern stands for hosts of many accounts. */
export function isOneHost(pattern: string): boolean {
  return !pattern.includes(ANY);
}
