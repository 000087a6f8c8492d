/**
 * Puts an event into a user's calendar. `transactionId` keeps a repeat from making a second one; one whose answer was lost is found by a property
 * that is kept with it.
 * @see https://learn.microsoft.com/en-us/graph/api/user-post-events
 * @see https://learn.microsoft.com/en-us/graph/api/singlevaluelegacyextendedproperty-get
 */
import { z } from 'zod';
import { del, get, path, post } from '../../index.ts';
import { microsoftGraph } from './provider.ts';

/** A namespace of our own, as MAPI's named properties want one. */
const KEY_PROPERTY = 'String {6f3c2a3e-0d0c-4a55-9a0f-5d0e3a7c1b42} Name sluice-key';

const Time = z.object({ dateTime: z.string(), timeZone: z.string() });
const Created = z.object({ id: z.string(), webLink: z.string().nullish() });

export const createEvent = microsoftGraph.action('createEvent', {
  input: z.object({
    /** Id or principal name. */
    user: z.string(),
    subject: z.string(),
    start: Time,
    end: Time,
    attendees: z.array(z.email()).default([]),
  }),
  output: Created,
  what: ({ user, subject }) => `"${subject}" for ${user}`,
  request: ({ user, attendees, ...event }, { idempotencyKey }) =>
    post(path`/users/${user}/events`, {
      ...event,
      attendees: attendees.map((address) => ({ emailAddress: { address }, type: 'required' })),
      transactionId: idempotencyKey,
      singleValueExtendedProperties: [{ id: KEY_PROPERTY, value: idempotencyKey }],
    }),
  whenUnknown: {
    lookup: ({ user }, { idempotencyKey }) =>
      get(path`/users/${user}/events`, {
        $filter: `singleValueExtendedProperties/Any(ep: ep/id eq '${KEY_PROPERTY}' and ep/value eq '${idempotencyKey}')`,
        $select: 'id,webLink',
      }),
    found: (answer) => z.object({ value: z.array(Created) }).parse(answer).value[0],
    afterMs: 5_000,
  },
  compensate: ({ id }, { user }) => del(path`/users/${user}/events/${id}`),
});
