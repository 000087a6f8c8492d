/**
 * Users, channels, and the messages of channels that the bot is a member of. New messages come with each run. Slack
 * does not list edits, so an edit is seen within a day of the message, or by a full run. Replies in threads are not
 * read.
 */
import { z } from 'zod';
import { days, defineSync } from '../../index.ts';
import { channels, messages, slack, users } from './provider.ts';

const input = z.object({ types: z.string().default('public_channel,private_channel') });

export const slackSync = defineSync('slack', { provider: slack, input }, (s) => {
  const all = s.one(channels, {
    input: ({ types }) => ({ types }),
    key: (channel) => channel.id,
    deletions: 'full-pass',
  });
  return {
    users: s.one(users, { input: () => ({}), key: (user) => user.id, deletions: 'full-pass' }),
    channels: all,
    messages: s.each(all, messages, {
      when: (channel) => channel.is_member === true,
      input: (channel, { watermark }) => ({ channel: channel.id, oldest: watermark }),
      key: (message, channel) => `${channel.id}/${message.ts}`,
      map: (message, channel) => ({ ...message, channel: channel.id }),
      incremental: { field: (message) => message.ts, numbers: 'seconds', lookbackMs: days(1) },
      allowEmpty: true,
    }),
  };
});
