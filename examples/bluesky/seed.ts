/**
 * Fills a PDS with accounts, posts and follows, and says exactly what a walk of it must find. Handles, texts, times,
 * record keys and who follows whom come from the seed number alone; DIDs are new each time, because the PDS makes each
 * from a fresh key. Calls carry the bypass key, so they neither wait for the limit nor use it up.
 * `pds.ts` calls this; `minimum-calls.ts` reads the result.
 */
import { callXrpc } from './xrpc.ts';

export interface SeedOptions {
  readonly url: string;
  readonly bypassKey: string;
  /** Accounts to create, at least 1. Default 40. */
  readonly accounts?: number;
  /** Posts of each account. Default 60. */
  readonly posts?: number;
  /** How many other accounts each one follows, at most `accounts - 1`. Default 20, or all where there are fewer. */
  readonly follows?: number;
  /** Same number, same network. Default 1. Two seeds of one PDS need different numbers, since handles are unique. */
  readonly seed?: number;
  readonly log?: (line: string) => void;
}

export interface SeededAccount {
  readonly did: string;
  readonly handle: string;
  readonly password: string;
  readonly posts: number;
  /** DIDs of the accounts that this one follows. */
  readonly follows: readonly string[];
}

/** What a complete walk must find: each list without repeats, in no promised order. */
export interface SeededNetwork {
  readonly accounts: readonly SeededAccount[];
  /** `at://<did>/app.bsky.feed.post/<rkey>` */
  readonly postUris: readonly string[];
  /** `at://<did>/app.bsky.graph.follow/<rkey>` */
  readonly followUris: readonly string[];
  /** The accounts that somebody follows. */
  readonly followedDids: readonly string[];
}

const defaults = { accounts: 40, posts: 60, seed: 1 } satisfies Partial<SeedOptions>;

/** The PDS's own maximum for one `applyWrites`. */
const writesPerCall = 200;

/** The PDS is one process: more at a time only queue inside it. */
const accountsAtATime = 4;

/**
 * Creates the accounts, then writes their records.
 * @throws {TypeError} for a network that can't exist (more follows than other accounts).
 * @throws {Error} for any call that the PDS refuses; nothing is retried.
 */
export async function seed(options: SeedOptions): Promise<SeededNetwork> {
  const { accounts: size, posts, seed: seedNumber } = { ...defaults, ...options };
  const follows = options.follows ?? Math.min(20, size - 1);
  if (size < 1 || follows > size - 1) {
    throw new TypeError(`Every account can follow at most the ${size - 1} others, not ${follows}`);
  }
  const startedAt = performance.now();
  const created = await mapAtATime(range(size), (index) => createAccount(options, seedNumber, index));
  const random = randomNumbers(seedNumber);
  const network = created.map((account, index) => ({
    ...account,
    follows: pickOthers(index, size, follows, random).map((other) => created[other]!.did),
  }));
  const uris = await mapAtATime(network, (account) => writeRecords(options, account, posts));
  options.log?.(
    `seeded ${size} accounts, ${size * posts} posts, ${size * follows} follows in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`,
  );
  return {
    accounts: network.map(({ did, handle, password, follows }) => ({ did, handle, password, posts, follows })),
    postUris: uris.flat().filter((uri) => uri.includes('/app.bsky.feed.post/')),
    followUris: uris.flat().filter((uri) => uri.includes('/app.bsky.graph.follow/')),
    followedDids: [...new Set(network.flatMap((account) => account.follows))],
  };
}

interface NewAccount {
  readonly did: string;
  readonly handle: string;
  readonly password: string;
  readonly refreshJwt: string;
}

async function createAccount(options: SeedOptions, seedNumber: number, index: number): Promise<NewAccount> {
  const handle = `user-${seedNumber}-${index + 1}.test`;
  const password = `password-${seedNumber}-${index + 1}`;
  const { did, refreshJwt } = await callXrpc<{ did: string; refreshJwt: string }>(options.url, {
    method: 'com.atproto.server.createAccount',
    input: { handle, password, email: `user-${seedNumber}-${index + 1}@example.com` },
    bypassKey: options.bypassKey,
  });
  return { did, handle, password, refreshJwt };
}

/** Returns the URIs of what it wrote. */
async function writeRecords(
  options: SeedOptions,
  account: NewAccount & { readonly follows: readonly string[] },
  posts: number,
): Promise<string[]> {
  const writes = [
    ...range(posts).map((n) => create('app.bsky.feed.post', n, { text: `Post ${n + 1} of ${account.handle}` })),
    ...account.follows.map((subject, n) => create('app.bsky.graph.follow', n, { subject })),
  ];
  const uris: string[] = [];
  for (let from = 0; from < writes.length; from += writesPerCall) {
    // A token for each call: with a life of two seconds the one from before may be over.
    const { accessJwt } = await callXrpc<{ accessJwt: string }>(options.url, {
      method: 'com.atproto.server.refreshSession',
      post: true,
      token: account.refreshJwt,
      bypassKey: options.bypassKey,
    });
    const { results } = await callXrpc<{ results: { uri: string }[] }>(options.url, {
      method: 'com.atproto.repo.applyWrites',
      input: { repo: account.did, writes: writes.slice(from, from + writesPerCall) },
      token: accessJwt,
      bypassKey: options.bypassKey,
    });
    uris.push(...results.map((result) => result.uri));
  }
  return uris;
}

function create(collection: string, position: number, value: Record<string, unknown>): Record<string, unknown> {
  const createdAtMs = Date.UTC(2024, 0, 1) + position * 60_000;
  return {
    $type: 'com.atproto.repo.applyWrites#create',
    collection,
    rkey: recordKey(createdAtMs),
    value: { $type: collection, ...value, createdAt: new Date(createdAtMs).toISOString() },
  };
}

/**
 * A TID: 53 bits of microseconds and 10 bits of clock id (0 here) in 13 letters that sort as the times do.
 * @see https://atproto.com/specs/tid
 */
function recordKey(createdAtMs: number): string {
  const alphabet = '234567abcdefghijklmnopqrstuvwxyz';
  let rest = (BigInt(createdAtMs) * 1_000n) << 10n;
  let key = '';
  while (key.length < 13) {
    key = alphabet.charAt(Number(rest & 31n)) + key;
    rest >>= 5n;
  }
  return key;
}

/** `count` different numbers below `size`, none of them `self`: the front of a shuffle. */
function pickOthers(self: number, size: number, count: number, random: () => number): number[] {
  const others = range(size).filter((index) => index !== self);
  for (let at = 0; at < count; at += 1) {
    const from = at + Math.floor(random() * (others.length - at));
    [others[at], others[from]] = [others[from]!, others[at]!];
  }
  return others.slice(0, count);
}

/** Numbers in [0, 1) by the mulberry32 generator: plenty for a test network, and the same on every machine. */
function randomNumbers(seedNumber: number): () => number {
  let state = seedNumber >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function mapAtATime<In, Out>(items: readonly In[], visit: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await visit(items[index]!);
  };
  await Promise.all(range(accountsAtATime).map(lane));
  return results;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
