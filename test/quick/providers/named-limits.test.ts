/** Limits that rules name: one that nobody declared would block something else, and never what was meant. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineProvider,
  get,
  limited,
  noAuth,
  post,
  rules,
  seconds,
  status,
  when,
  window,
  type Classify,
} from '../../../providers/index.ts';

const ip = window('ip', { by: ['ip'], max: 5, perMs: seconds(1) });
const search = window('search', { by: ['account'], max: 5, perMs: seconds(1) });
const naming = (limit: string): Classify => rules([when(status(429), limited({ limit }))]);
const asData = rules([when(status(429), { kind: 'limited', reason: 'why', limit: 'nope' })]);

function mistakesOf(ofProvider: Classify, ofEndpoint: Classify, ofAction: Classify): readonly string[] {
  const provider = defineProvider({
    id: 'social',
    baseUrl: 'https://x.example',
    auth: noAuth(),
    limits: [ip],
    classify: ofProvider,
  });
  const common = { input: z.object({}), request: () => get('/posts') };
  provider.endpoint('posts', { ...common, response: z.unknown(), classify: ofEndpoint });
  provider.endpoint('search', { ...common, response: z.unknown(), limits: [search] });
  const output = z.object({});
  provider.action('create', { ...common, output, request: () => post('/posts', {}), classify: ofAction });
  return provider.mistakes();
}

it('a limit that a rule names and nobody declared is a mistake of the definition, told with all others', () => {
  expect(mistakesOf(naming('nope'), naming('per-ip'), asData)).toEqual([
    'endpoint "posts": a rule names the limit "per-ip"; the provider has ip, search',
    'action "create": a rule names the limit "nope"; the provider has ip, search',
    'provider "social": a rule names the limit "nope"; the provider has ip, search',
  ]);
});

it('a rule may name any limit of its provider, also one that an endpoint brings later, and none', () => {
  expect(mistakesOf(naming('search'), rules([when(status(429), limited())]), naming('ip'))).toEqual([]);
});
