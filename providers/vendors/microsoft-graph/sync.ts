/**
 * Users of a tenant, and the mail that they have received. The delta tells who has changed, with the fields that have; so each of them is
 * asked for as a whole. Of those who are gone the row in `changes` is deleted; that of `users` stays.
 */
import { z } from 'zod';
import { defineSync, minutes } from '../../index.ts';
import { changedUsers, messages, microsoftGraph, user } from './provider.ts';

/** `mailFrom`: ISO time; what was received before is not read. Default: all is. */
const input = z.object({ mailFrom: z.iso.datetime().optional() });

export const microsoftGraphSync = defineSync('microsoftGraph', { provider: microsoftGraph, input }, (s) => {
  const changes = s.one(changedUsers, {
    input: (_, { checkpoint }) => ({ link: checkpoint }),
    key: (change) => change.id,
    incremental: 'checkpoint',
    isGone: (change) => change['@removed'] !== undefined,
    deletions: 'full-pass',
  });
  const users = s.each(changes, user, {
    input: ({ id }) => ({ id }),
    key: ({ id }) => id,
    parents: 'changed',
  });
  // Everybody is asked for new mail, also those who have not changed.
  const mail = s.each(changes, messages, {
    input: ({ id }, { watermark, runInput }) => ({ user: id, since: watermark ?? runInput.mailFrom }),
    key: (message) => message.id,
    map: (message, { id }) => ({ ...message, user: id }),
    incremental: { field: (message) => message.receivedDateTime, lookbackMs: minutes(10) },
    allowEmpty: true,
  });
  return { changes, users, messages: mail };
});
