/**
 * Where an account is connected again: an address of the app. The page only leads there, so no secret is typed into it, kept by it, or
 * written to a log of it. Used by: `dashboard/views/details/account.ts`.
 */

/** An account of which there is something to connect. */
export interface ToConnect {
  readonly provider: string;
  readonly account: string;
  readonly tenant: string | null;
}

/** @returns an address that begins with `https:` or `http:`; undefined where there is none for this one. */
export type ConnectAddress = (of: ToConnect) => string | undefined;

const NAMES = ['provider', 'account', 'tenant'] as const;

/**
 * @param template e.g. `https://app.example/connect/{provider}?account={account}`; each name in it is replaced, encoded.
 * @throws Error when it is no such address.
 */
export function connectAddressOf(template: string): ConnectAddress {
  const fill = (of: ToConnect): string =>
    template.replaceAll(/\{(\w+)\}/g, (_, name: (typeof NAMES)[number]) => {
      if (!NAMES.includes(name))
        throw new Error(`The connect address ${template} names {${name}}; it may name {${NAMES.join('}, {')}}.`);
      return encodeURIComponent(of[name] ?? '');
    });
  if (safeAddress(fill({ provider: 'p', account: 'a', tenant: 't' })) === undefined)
    throw new Error(`The connect address ${template} must begin with https:// or http://.`);
  return fill;
}

/** What a link may lead to: nothing that runs. @returns undefined for any other address. */
export function safeAddress(address: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const { protocol } = new URL(address);
  return protocol === 'https:' || protocol === 'http:' ? address : undefined;
}
