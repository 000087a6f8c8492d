/**
 * How third parties spell a token in what they send: written by hand here and with nothing of the product, so that tests do not take
 * its word for what it finds.
 */

/** One by one, an emoji as a whole. */
export const characters = (text: string): string[] => Array.from(text);

const each = (text: string, escape: (character: string) => string): string =>
  characters(text)
    .map((character) => (/[A-Za-z0-9]/.test(character) ? character : escape(character)))
    .join('');
const utf16 = (character: string, write: (code: string) => string): string =>
  [...Array(character.length).keys()]
    .map((at) => write(character.charCodeAt(at).toString(16).padStart(4, '0')))
    .join('');
const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const NAMES: Record<string, string> = {
  '/': 'sol',
  '+': 'plus',
  '=': 'equals',
  '&': 'amp',
  '|': 'verbar',
  '"': 'quot',
  '<': 'lt',
};

/** Of each, a name and the writer. All are decoded by some standard parser, except where a token is cut off. */
export const escapings: Readonly<Record<string, (token: string) => string>> = {
  'as it is': (token) => token,
  'in an address': (token) => encodeURIComponent(token),
  'in an address, in small letters': (token) => each(token, (c) => percent(c)),
  'in an address in an address': (token) => encodeURIComponent(encodeURIComponent(token)),
  'in a form': (token) => new URLSearchParams({ t: token }).toString().slice(2),
  'in JSON whose writer escapes slashes': (token) =>
    JSON.stringify(token)
      .slice(1, -1)
      .replaceAll('/', String.raw`\/`),
  'in JSON that is safe for HTML': (token) => each(token, (c) => utf16(c, (code) => String.raw`\u${code}`)),
  'in JSON of .NET': (token) => each(token, (c) => utf16(c, (code) => String.raw`\u${code.toUpperCase()}`)),
  'in HTML by numbers': (token) => each(token, (c) => `&#x${c.codePointAt(0)!.toString(16).toUpperCase()};`),
  'in HTML by names': (token) => each(token, (c) => `&${NAMES[c] ?? `#${c.codePointAt(0)}`};`),
  'in Base64': (token) => Buffer.from(`{"t":${JSON.stringify(token)}}`).toString('base64'),
  'in Base64 for addresses': (token) => Buffer.from(`ab${token}yz`).toString('base64url'),
  'cut off': (token) => token.slice(0, Math.ceil(token.length * 0.75)),
  'in JSON in JSON': (token) => JSON.stringify(JSON.stringify({ t: token })).slice(1, -1),
  'with every character escaped': (token) =>
    characters(token)
      .map((c) => utf16(c, (code) => String.raw`\u${code}`))
      .join(''),
  'with every byte escaped': (token) => percent(token),
};
