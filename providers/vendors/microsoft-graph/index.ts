// Microsoft Graph. `sluice/providers/microsoft-graph`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { createEvent } from './create-event.ts';
export { ChangedUser, changedUsers, Message, messages, microsoftGraph, User, user } from './provider.ts';
export { microsoftGraphSync } from './sync.ts';
