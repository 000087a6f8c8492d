// Google Calendar. `sluice/providers/google-calendar`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { createEvent } from './create-event.ts';
export { Calendar, calendars, Event, events, googleCalendar } from './provider.ts';
export { googleCalendarSync } from './sync.ts';
