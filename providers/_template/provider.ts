/**
 * A provider to copy: every part that a third party usually needs, once. Compiled and tested, so it is true.
 * Say here where the third party documents its limits and errors: @see https://api.example.com/docs
 */
import { z } from 'zod';
import { bearer } from '../auth/auth.ts';
import { defineProvider } from '../define/define-provider.ts';
import { window } from '../limits.ts';
import { get, path, seconds } from '../request.ts';
import { bodyField, limited, permanent, refreshAuth, retry, rules, skip, status, when } from '../rules/rules.ts';

export const provider = defineProvider({
  id: 'template',
  baseUrl: () => process.env['TEMPLATE_URL'] ?? 'https://api.example.com/v1',
  auth: bearer(),
  // Each limit as the third party counts it: by token, app, ip, account, endpoint, or a function of the call.
  limits: [window('per-token', { by: ['token'], max: 100, perMs: seconds(10) })],
  // Only what differs from the defaults for HTTP. By default 401 refreshes, 403 and 404 of a child skip it, 429 closes
  // the limit, and 413 shrinks the page. 5xx and lost connections are retried.
  classify: rules([
    when(status(400), bodyField('error', 'token_expired', 'token_revoked'), refreshAuth()),
    when(status(400), bodyField('error', 'account_suspended'), skip('the account is suspended')),
    when(status(400), bodyField('error', 'bad_request'), permanent('bug')),
    when(status(200), bodyField('status', 'busy'), retry({ afterMs: 2_000 })),
    when(status(403), bodyField('error', 'quota'), limited({ limit: 'per-token' })),
  ]),
});

const Customer = z.object({ id: z.string(), name: z.string() });
const Invoice = z.object({ id: z.string(), total: z.number() });

export const customers = provider.endpoint('customers', {
  input: z.object({}),
  response: z.object({ data: z.array(Customer), next_cursor: z.string().nullish() }),
  request: (_, page) => get('/customers', { limit: page.size, cursor: page.cursor }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.data,
    next: (answer) => answer.next_cursor,
    pageSize: { start: 100, min: 10 },
  },
});

export const invoices = provider.endpoint('invoices', {
  input: z.object({ customer: z.string() }),
  response: z.object({ data: z.array(Invoice), total: z.number() }),
  request: ({ customer }, page) => get(path`/customers/${customer}/invoices`, { limit: page.size, page: page.number }),
  paginate: { kind: 'page', items: (answer) => answer.data, total: (answer) => answer.total, lanes: 4 },
});
