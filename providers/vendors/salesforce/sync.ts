/**
 * Accounts by SOQL, and contacts by a job of the Bulk API. A run that follows another asks for what has changed. What
 * was deleted comes marked as such for as long as it is in the recycle bin. After that a full run finds it.
 */
import { z } from 'zod';
import { defineSync, minutes } from '../../index.ts';
import { accounts, contacts, salesforce } from './provider.ts';

const changes = {
  key: ({ Id }: { readonly Id: string }) => Id,
  incremental: { field: (row: { readonly SystemModstamp: string }) => row.SystemModstamp, lookbackMs: minutes(10) },
  isGone: ({ IsDeleted }: { readonly IsDeleted: boolean }) => IsDeleted,
  deletions: 'full-pass',
} as const;

export const salesforceSync = defineSync('salesforce', { provider: salesforce, input: z.object({}) }, (s) => ({
  accounts: s.one(accounts, { ...changes, input: (_, { watermark }) => ({ since: watermark }) }),
  contacts: s.one(contacts, { ...changes, input: (_, { watermark }) => ({ since: watermark }) }),
}));
