/**
 * Creates an event under an id of our own, by which it is found when its answer was lost.
 * @see https://developers.google.com/workspace/calendar/api/v3/reference/events/insert
 */
import { z } from 'zod';
import { del, get, path } from '../../index.ts';
import { Event, googleCalendar } from './provider.ts';

const Time = z.union([
  z.object({ date: z.string() }),
  z.object({ dateTime: z.string(), timeZone: z.string().optional() }),
]);

/** Digits and the letters a to v: https://developers.google.com/workspace/calendar/api/v3/reference/events#id */
const idOf = (key: string): string => key.replaceAll('-', '');

export const createEvent = googleCalendar.action('createEvent', {
  input: z.object({
    /** `primary`, or the id of another calendar. */
    calendar: z.string().default('primary'),
    summary: z.string(),
    description: z.string().optional(),
    start: Time,
    end: Time,
    attendees: z.array(z.object({ email: z.email() })).default([]),
    /** Who is told by mail. */
    sendUpdates: z.enum(['all', 'externalOnly', 'none']).default('none'),
  }),
  output: Event,
  what: ({ calendar, summary }) => `"${summary}" in ${calendar}`,
  request: ({ calendar, sendUpdates, ...event }, { idempotencyKey }) => ({
    method: 'POST',
    path: path`/calendars/${calendar}/events`,
    query: { sendUpdates },
    json: { ...event, id: idOf(idempotencyKey) },
  }),
  whenUnknown: {
    lookup: ({ calendar }, { idempotencyKey }) => get(path`/calendars/${calendar}/events/${idOf(idempotencyKey)}`),
    found: (answer) => Event.parse(answer),
  },
  compensate: ({ id }, { calendar, sendUpdates }) => del(path`/calendars/${calendar}/events/${id}`, { sendUpdates }),
});
