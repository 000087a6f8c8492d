/**
 * What is wrong with the options of the handlers, in words. Used by: `create-connecting.ts`.
 */
import { unknownOptions, type NamesOf } from '../contracts/values/option-mistakes.ts';
import type { ConnectingOptions } from './create-connecting.ts';
import { pathOf } from './return-path.ts';

const OPTIONS = {
  url: true,
  providers: true,
  who: true,
  returnTo: true,
  done: true,
  lifeMs: true,
  egress: true,
  proxy: true,
  log: true,
} satisfies NamesOf<ConnectingOptions>;

export function connectingMistakes(options: ConnectingOptions): string[] {
  const { url, providers, who, returnTo = '/', done, lifeMs = 600_000 } = options;
  const mistakes = [...unknownOptions(options, OPTIONS), ...urlMistakes(url)];
  if (typeof who !== 'function')
    mistakes.push(
      '`who` is missing; write (request) => ({ account }), by your app’s own login, or undefined for nobody',
    );
  if (done !== undefined && typeof done !== 'function')
    mistakes.push('`done` must be a function that is told how each login ended');
  if (!(lifeMs >= 60_000 && lifeMs <= 3_600_000))
    mistakes.push(`\`lifeMs\` is ${lifeMs}; it must be 60,000 to 3,600,000`);
  if (mistakes.length === 0 && pathOf(returnTo, new URL(url)) === undefined)
    mistakes.push(`\`returnTo\` is ${JSON.stringify(returnTo)}; it must be a path of your app, e.g. "/settings"`);
  return [...mistakes.map((text) => `createConnecting: ${text}`), ...providerMistakes(providers)];
}

function urlMistakes(url: unknown): string[] {
  const example = 'write where the handlers are mounted, e.g. "https://app.example/connect"';
  if (typeof url !== 'string' || !/^https?:/i.test(url) || !URL.canParse(url))
    return [`\`url\` is ${JSON.stringify(url) ?? 'missing'}; ${example}`];
  const { protocol, hostname, search, hash, username } = new URL(url);
  if (search !== '' || hash !== '' || username !== '')
    return [`\`url\` is ${JSON.stringify(url)}; ${example}, no more`];
  const isHere = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  return protocol === 'https:' || isHere
    ? []
    : [`\`url\` is ${JSON.stringify(url)}: codes would travel in clear; use https`];
}

function providerMistakes(providers: unknown): string[] {
  if (!Array.isArray(providers) || providers.length === 0)
    return ['createConnecting: `providers` is missing; name what accounts are connected to, e.g. providers: [social]'];
  const given = providers as ConnectingOptions['providers'];
  const ids = given.map((provider) => provider?.id);
  return given.flatMap((provider, index) => {
    if (typeof provider?.mistakes !== 'function')
      return [`createConnecting: providers[${index}] is no provider; give what defineProvider() made`];
    const twice =
      ids.indexOf(provider.id) === index ? [] : [`createConnecting: provider "${provider.id}" is given twice`];
    const no = provider.auth.authorize
      ? []
      : [
          `createConnecting: provider "${provider.id}" does not say how its accounts are connected through a browser: ` +
            'give its auth a page for that, oauth2({ …, authorize: { url: "https://…/oauth/authorize" } })',
        ];
    return [...twice, ...no, ...provider.mistakes()];
  });
}
