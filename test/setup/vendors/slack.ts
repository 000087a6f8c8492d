/** Slack as its documentation describes it: 200 for everything, `ok`, cursors, a tier for each method, one message a second in a channel. */
import type { FakeAnswer, FakeApi, FakeCall } from '../../../testing/index.ts';

interface Message {
  readonly ts: string;
  readonly text: string;
  readonly metadata?: unknown;
}

const no = (error: string): FakeAnswer => ({ body: { ok: false, error } });

export function playSlack(api: FakeApi, token: string) {
  const channels = Array.from({ length: 230 }, (_, i) => ({
    id: `C${i}`,
    name: `channel-${i}`,
    is_private: false,
    is_member: i < 3,
  }));
  const members = Array.from({ length: 12 }, (_, i) => ({ id: `U${i}`, name: `user-${i}`, deleted: false }));
  const messages = new Map<string, Message[]>();
  let micros = 0;
  const say = (channel: string, text: string, secondsAgo: number, metadata?: unknown): Message => {
    const seconds = Math.floor(Date.now() / 1_000) - secondsAgo;
    const ts = `${seconds}.${String(++micros).padStart(6, '0')}`;
    const message = { type: 'message', user: 'U1', ts, text, ...(metadata === undefined ? {} : { metadata }) };
    messages.set(channel, [...(messages.get(channel) ?? []), message]);
    return message;
  };
  for (const { id } of channels.slice(0, 3)) for (let i = 0; i < 250; i++) say(id, `hello ${i}`, 90_000 + i * 1_000);

  const method = (verb: 'GET' | 'POST', name: string, answer: (call: FakeCall) => FakeAnswer) =>
    api.route(verb, `/${name}`, (call) => (call.token === token ? answer(call) : no('invalid_auth')));
  /** A page, and where the next one begins. */
  const paged = (field: string, rows: readonly object[], { query }: FakeCall): FakeAnswer => {
    const start = Number(Buffer.from(query.get('cursor') ?? 'MA==', 'base64').toString());
    if (!Number.isInteger(start)) return no('invalid_cursor');
    const end = start + Math.min(Number(query.get('limit') ?? 100), 1_000);
    const hasMore = end < rows.length;
    const next_cursor = hasMore ? Buffer.from(String(end)).toString('base64') : '';
    return {
      body: { ok: true, [field]: rows.slice(start, end), has_more: hasMore, response_metadata: { next_cursor } },
    };
  };
  method('GET', 'conversations.list', (call) => paged('channels', channels, call));
  method('GET', 'users.list', (call) => paged('members', members, call));
  method('GET', 'conversations.history', (call) => {
    const channel = channels.find(({ id }) => id === call.query.get('channel'));
    if (channel === undefined) return no('channel_not_found');
    if (!channel.is_member) return no('not_in_channel');
    const oldest = Number(call.query.get('oldest') ?? 0);
    const asked = (messages.get(channel.id) ?? []).filter(({ ts }) => Number(ts) > oldest);
    return paged(
      'messages',
      asked.toSorted((a, b) => Number(b.ts) - Number(a.ts)),
      call,
    );
  });
  method('POST', 'chat.postMessage', ({ body }) => {
    const { channel, text, metadata } = body as { channel: string; text: string; metadata: unknown };
    if (!channels.some(({ id }) => id === channel)) return no('channel_not_found');
    const message = say(channel, text, 0, metadata);
    return { body: { ok: true, channel, ts: message.ts, message } };
  });
  const minute = { perMs: 60_000, by: ['account', 'path'], headers: 'retry-after-seconds' } as const;
  const refusal = { status: 429, body: { ok: false, error: 'ratelimited' } };
  api.limit({ name: 'tier 2', ...minute, max: 20, on: /^\/(conversations|users)\.list$/, refusal });
  api.limit({ name: 'tier 3', ...minute, max: 50, on: /^\/conversations\.history$/, refusal });
  api.limit({
    name: 'post',
    by: ({ body }) => (body as { channel: string }).channel,
    max: 1,
    perMs: 900,
    on: /^\/chat\.postMessage$/,
    headers: 'retry-after-seconds',
    refusal,
  });
  return { channels, members, messages, say };
}
