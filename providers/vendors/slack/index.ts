// Slack. `sluice/providers/slack`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { postMessage } from './post-message.ts';
export { Channel, channels, Message, messages, slack, User, users } from './provider.ts';
export { slackSync } from './sync.ts';
