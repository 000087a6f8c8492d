/**
 * A sync to copy: every customer of an account, and every invoice of each customer.
 */
import { z } from 'zod';
import { defineSync } from '../define/define-sync.ts';
import { customers, invoices, provider } from './provider.ts';

export const billing = defineSync('billing', { provider, input: z.object({}) }, (s) => {
  const all = s.one(customers, { input: () => ({}), key: (customer) => customer.id });
  const theirs = s.each(all, invoices, {
    input: (customer) => ({ customer: customer.id }),
    key: (invoice) => invoice.id,
    map: (invoice, customer) => ({ ...invoice, customerName: customer.name }),
  });
  return { customers: all, invoices: theirs };
});
