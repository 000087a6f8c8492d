/**
 * Calendars of the user's list, and their events; recurring events as they are stated, not each of their times. A run that follows another asks
 * from the tokens that it has left; deleted events come with the status `cancelled`.
 */
import { z } from 'zod';
import { defineSync } from '../../index.ts';
import { calendars, events, googleCalendar } from './provider.ts';

export const googleCalendarSync = defineSync(
  'googleCalendar',
  { provider: googleCalendar, input: z.object({}) },
  (s) => {
    const all = s.one(calendars, {
      input: (_, { checkpoint }) => ({ syncToken: checkpoint }),
      key: (calendar) => calendar.id,
      incremental: 'checkpoint',
      isGone: (calendar) => calendar.deleted === true,
      deletions: 'full-pass',
    });
    return {
      calendars: all,
      events: s.each(all, events, {
        input: (calendar, { checkpoint }) => ({ calendar: calendar.id, syncToken: checkpoint }),
        key: (event, calendar) => `${calendar.id}/${event.id}`,
        map: (event, calendar) => ({ ...event, calendar: calendar.id }),
        incremental: 'checkpoint',
        isGone: (event) => event.status === 'cancelled',
        deletions: 'full-pass',
      }),
    };
  },
);
