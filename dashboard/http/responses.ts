/** Answers with the headers that all of them have: nothing is kept by caches, framed, or loaded from anywhere else. */
import { serverSentence } from '../../contracts/operate/server-sentence.ts';
import type { Visitor } from './access.ts';
import { html, type Html } from '../html.ts';
import { page } from '../layout.ts';
import type { Link } from '../link.ts';

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
];

export const HEADERS = {
  'content-security-policy': POLICY.join('; '),
  'x-content-type-options': 'nosniff',
  // Forms say where they come from, to this server alone.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export type MoreHeaders = Readonly<Record<string, string>>;

export interface Responses {
  /** A page. */
  readonly answer: (content: Html, status?: number, more?: MoreHeaders) => Response;
  /** A page that says one thing. */
  readonly note: (status: number, title: string, text: string, visitor?: Visitor) => Response;
  /** Leads elsewhere, by GET. */
  readonly to: (address: string, more?: MoreHeaders) => Response;
}

export function createResponses(link: Link): Responses {
  const answer: Responses['answer'] = (content, status = 200, more = {}) =>
    new Response(content.text, {
      status,
      headers: { ...HEADERS, 'content-type': 'text/html; charset=utf-8', ...more },
    });
  return {
    answer,
    note: (status, title, text, visitor) =>
      answer(page({ title, link, at: '?', visitor }, [{ id: 'note', content: html`<p>${text}</p>` }]), status),
    to: (address, more = {}) =>
      new Response(null, { status: 303, headers: { ...HEADERS, location: address, ...more } }),
  };
}

export function sentence(error: unknown): string {
  return serverSentence(error) ?? (error instanceof Error ? error.message : String(error));
}
