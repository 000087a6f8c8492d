/**
 * Google Calendar. Lists leave a token from which the next run asks for what has changed; a token that is too old answers 410. A service
 * account acts for a user of its domain. Next: `sync.ts`, `create-event.ts`.
 * @see https://developers.google.com/workspace/calendar/api/guides/sync
 * @see https://developers.google.com/workspace/calendar/api/guides/quota
 * @see https://developers.google.com/workspace/calendar/api/guides/errors
 */
import { z } from 'zod';
import {
  anyOf,
  bodyField,
  checkpointExpired,
  defineProvider,
  get,
  limited,
  minutes,
  path,
  rules,
  serviceAccount,
  status,
  when,
  window,
} from '../../index.ts';

const settings = z.object({
  /** Whose calendars are read (domain-wide delegation). Default: the service account's own. */
  user: z.email().optional(),
});

/** The key file of the service account gives `extra: { clientEmail, privateKey, privateKeyId }` of the account's credentials. */
export const googleCalendar = defineProvider(settings, {
  id: 'google-calendar',
  baseUrl: 'https://www.googleapis.com/calendar/v3',
  // https://developers.google.com/identity/protocols/oauth2/service-account
  auth: serviceAccount({
    tokenUrl: 'https://oauth2.googleapis.com/token',
    scope: 'https://www.googleapis.com/auth/calendar',
    subject: (of) => of.settings.user,
  }),
  // Sliding minutes. The numbers are the defaults of a project; the console shows yours.
  limits: [
    window('project', { by: ['app'], max: 10_000, perMs: minutes(1), except: ['refresh'] }),
    window('user', { by: ['account'], max: 600, perMs: minutes(1), except: ['refresh'] }),
  ],
  classify: rules([
    when(
      status(403, 429),
      anyOf(
        bodyField('error.errors.0.reason', 'userRateLimitExceeded', 'quotaExceeded'),
        bodyField('error.errors.0.domain', 'usageLimits'),
      ),
      // No time is told; Google asks for growing waits, which the limiter keeps.
      limited({ limit: 'user' }),
    ),
    // Of a list that asks from a token. 410 of a single event says that it is gone.
    when(
      status(410),
      bodyField('error.errors.0.reason', 'fullSyncRequired', 'updatedMinTooLongAgo'),
      checkpointExpired(),
    ),
    when(status(400), bodyField('error.errors.0.location', 'syncToken'), checkpointExpired()),
  ]),
});

const Page = { nextPageToken: z.string().optional(), nextSyncToken: z.string().optional() };
const When = z.object({
  date: z.string().optional(),
  dateTime: z.string().optional(),
  timeZone: z.string().optional(),
});

export const Calendar = z.object({
  id: z.string(),
  summary: z.string().optional(),
  timeZone: z.string().optional(),
  accessRole: z.string().optional(),
  primary: z.boolean().optional(),
  /** True in answers to a token only: it was taken off the list. */
  deleted: z.boolean().optional(),
});

export const Event = z.object({
  id: z.string(),
  /** `cancelled`: deleted. Such an event may have nothing else but its id. */
  status: z.string(),
  summary: z.string().optional(),
  description: z.string().optional(),
  location: z.string().optional(),
  start: When.optional(),
  end: When.optional(),
  recurrence: z.array(z.string()).optional(),
  recurringEventId: z.string().optional(),
  attendees: z.array(z.object({ email: z.string().optional(), responseStatus: z.string().optional() })).optional(),
  updated: z.string().optional(),
});

const Asked = z.object({ syncToken: z.string().optional() });

/** https://developers.google.com/workspace/calendar/api/v3/reference/calendarList/list */
export const calendars = googleCalendar.endpoint('calendars', {
  input: Asked,
  response: z.object({ items: z.array(Calendar), ...Page }),
  request: ({ syncToken }, page) =>
    get('/users/me/calendarList', { maxResults: page.size, pageToken: page.cursor, syncToken }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.items,
    next: (answer) => answer.nextPageToken,
    checkpoint: (answer) => answer.nextSyncToken,
    pageSize: { start: 250 },
  },
});

/** https://developers.google.com/workspace/calendar/api/v3/reference/events/list */
export const events = googleCalendar.endpoint('events', {
  input: Asked.extend({ calendar: z.string() }),
  response: z.object({ items: z.array(Event), ...Page }),
  request: ({ calendar, syncToken }, page) =>
    get(path`/calendars/${calendar}/events`, { maxResults: page.size, pageToken: page.cursor, syncToken }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.items,
    next: (answer) => answer.nextPageToken,
    checkpoint: (answer) => answer.nextSyncToken,
    pageSize: { start: 1_000, max: 2_500 },
  },
});
