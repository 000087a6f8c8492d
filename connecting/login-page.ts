/**
 * What a browser is answered: sent on, or told in a sentence why not. The addresses of a login hold a code, so no answer is kept and none
 * says where it came from. Used by: `create-connecting.ts`.
 */
import type { NotConnected } from './outcome.ts';

const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
};

export function sentTo(address: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status: 303, headers: { ...HEADERS, ...headers, location: address } });
}

export function notConnectedPage({ provider, reason, status, again, returnTo }: NotConnected): Response {
  const links = [
    again === undefined ? '' : `<a href="${escaped(again)}">Try again</a>`,
    returnTo === undefined ? '' : `<a href="${escaped(returnTo)}">Back</a>`,
  ];
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Not connected</title><style>body{font:16px/1.5 system-ui;max-width:34em;margin:4em auto;padding:0 1em;color-scheme:light dark}a{margin-right:1em}</style>
<h1>${provider === '' ? 'Not connected' : `Not connected to ${escaped(provider)}`}</h1><p>${escaped(reason)}</p><p>${links.join('')}</p></html>`;
  return new Response(html, {
    status,
    headers: {
      ...HEADERS,
      'content-type': 'text/html; charset=utf-8',
      ...(status === 503 ? { 'retry-after': '10' } : {}),
    },
  });
}

function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] as string);
}
