import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { requestFor } from '../../../activities/call/sign-request.ts';
import { authRequest } from '../../../activities/credentials/make-refresh-call.ts';
import { fitsHost } from '../../../contracts/hosts.ts';
import {
  basic,
  bearer,
  bucket,
  defineProvider,
  get,
  oauth2,
  refreshable,
  window,
  type ProviderOptions,
} from '../../../providers/index.ts';

const Shop = z.object({ domain: z.string(), plan: z.enum(['small', 'plus']).default('small') });
const options = {
  id: 'shop',
  baseUrl: ({ settings }) => `https://${settings.domain}.shop.example/admin`,
  hosts: ['*.shop.example', 'files.shop-cdn.example'],
  limits: [],
} satisfies ProviderOptions<z.output<typeof Shop>>;
const shop = defineProvider(Shop, options);
const of = (settings: object) => ({ account: 'acme', tenant: 'acme', settings: shop.settingsOf(settings, 'acme') });
const urlOf = (settings: object, path = '/orders') => requestFor(shop, get(path), of(settings)).url;

describe('the settings of an account', () => {
  it('are read by the schema of the provider, defaults included, and typed in all its functions', () => {
    const provider = defineProvider(Shop, {
      ...options,
      auth: oauth2({ tokenUrl: ({ settings }) => `https://${settings.domain}.shop.example/token`, clientId: 'c' }),
      limits: [
        bucket('points', {
          by: ['account'],
          perSecond: ({ settings }) => (settings.plan === 'plus' ? 1_000 : 50),
          burst: 2_000,
        }),
        window('minute', { by: ['app'], max: 10, perMs: 60_000 }),
      ],
    });
    const orders = provider.endpoint('orders', {
      input: z.object({}),
      response: z.object({}),
      // @ts-expect-error there is no such setting
      request: (_input, _page, { settings }) => get(`/${settings.plan}/${settings.region}`),
    });
    expect(provider.mistakes()).toEqual([]);
    expect(shop.settingsOf({ domain: 'acme' }, 'a')).toEqual({ domain: 'acme', plan: 'small' });
    const call = { ...of({ domain: 'x', plan: 'plus' }), ip: 'i', input: {}, pageSize: 1 };
    expect(orders.charges(call)[0]?.limit).toMatchObject({ perSecond: 1_000 });
    expect(orders.charges({ ...call, ...of({ domain: 'x' }) })[0]?.limit).toMatchObject({ perSecond: 50 });
    expect(provider.auth.refresh!.request({ refreshToken: 'r' }, of({ domain: 'x' }))?.path).toBe(
      'https://x.shop.example/token',
    );
  });

  it('that do not fit are told with all that is wrong, and how to give others', () => {
    expect(() => shop.settingsOf({ plan: 'huge' }, 'acme')).toThrow(
      /account "acme" do not fit provider "shop": domain: .*; plan: .*accounts\.update\(/s,
    );
    expect(() => shop.settingsOf(null, 'acme')).toThrow(/domain: /);
  });
});

describe('a base URL that is made from an account', () => {
  it('leads to the host of that account', () => {
    expect(urlOf({ domain: 'acme' })).toBe('https://acme.shop.example/admin/orders');
    expect(requestFor(shop, get('/x'), of({ domain: 'acme' })).isPublicOnly).toBe(true);
  });

  it.each(['evil.example/', 'evil.example#', 'evil.example?', 'a.b', 'u:p@evil.example/', 'x.shop.example:8443/', ''])(
    'leads nowhere else, whatever the settings say: %j',
    (domain) => {
      expect(() => urlOf({ domain })).toThrow(/nothing was sent there|is no absolute URL/);
    },
  );

  it('is left by links to a host that is named in full, never to the host of another account', () => {
    expect(urlOf({ domain: 'acme' }, 'https://files.shop-cdn.example/1')).toBe('https://files.shop-cdn.example/1');
    expect(() => urlOf({ domain: 'acme' }, 'https://evil.shop.example/1')).toThrow(/not sent to other origins/);
    expect(() => urlOf({ domain: 'acme' }, 'http://files.shop-cdn.example/1')).toThrow(/in clear/);
  });

  it('bounds where credentials are renewed, too', () => {
    const token = (tokenUrl: string) => authRequest(shop, { method: 'POST', path: tokenUrl }, of({ domain: 'acme' }));
    expect(token('https://acme.shop.example/token')).toMatchObject({ isPublicOnly: true });
    expect(() => token('https://evil.example/token')).toThrow(/allows \*\.shop\.example, .* only/);
  });
});

describe('mistakes of hosts and settings', () => {
  const mistakes = (more: object, schema?: z.ZodType): string[] => {
    const all = { id: 'shop', baseUrl: 'https://x.example', limits: [], ...more } as never;
    return (schema ? defineProvider(schema, all) : defineProvider(all)).mistakes();
  };
  const made = ({ settings }: { settings: { domain: string } }) => `https://${settings.domain}.shop.example`;

  it('are told when a provider is defined, with what to write', () => {
    expect(mistakes({ baseUrl: made }, Shop)).toEqual([
      'provider "shop": `baseUrl` is made from the account, so say which hosts may be sent its secrets, e.g. hosts: ["*.shop.example"], or ["*"] for any',
    ]);
    expect(mistakes({ baseUrl: made, hosts: ['*.shop.example'] })).toEqual([
      expect.stringMatching(/takes the account, which has no settings: give their schema first/),
    ]);
    expect(mistakes({ hosts: [] })).toEqual([expect.stringMatching(/`hosts` is empty/)]);
    expect(mistakes({ hosts: ['https://x.example', '*.com', '*'] })).toEqual([
      expect.stringMatching(/host "https:\/\/x\.example" is not understood/),
      expect.stringMatching(/host "\*\.com" lets in hosts of anybody/),
    ]);
    expect(mistakes({ settings: Shop })).toContain(
      'provider "shop": the schema of settings comes first: defineProvider(z.object({ … }), { id, … })',
    );
    const renewed = refreshable(bearer(), { request: () => undefined, parse: () => undefined });
    expect(mistakes({ auth: oauth2({ tokenUrl: (account) => account.account, clientId: 'c' }) }, Shop)).toHaveLength(1);
    expect(mistakes({ auth: renewed }, Shop)).toEqual([
      'provider "shop": the address of the refresh of credentials is given by a function, which sees the account: say in `hosts` where it may lead, e.g. hosts: ["x.example"]',
    ]);
    expect(mistakes({ auth: renewed, hosts: ['*.shop.example'] }, Shop)).toEqual([]);
    expect(mistakes({ auth: basic() }, Shop)).toEqual([]);
  });

  it.each([
    ['*.shop.example', 'https://a.shop.example/x', true],
    ['*.shop.example', 'https://a.b.shop.example', false],
    ['*.shop.example', 'https://shop.example', false],
    ['*.shop.example', 'https://a.shop.example:8443', false],
    ['*.shop.example', 'https://ashop.example', false],
    ['*.my.force.example', 'https://acme--dev.my.force.example', true],
    ['localhost:80', 'http://localhost', false],
    ['localhost:8080', 'http://localhost:8080', true],
    ['*', 'https://anything.example:1', true],
  ])('the pattern %j and %j: %s', (pattern, url, fits) => {
    expect(fitsHost(pattern, new URL(url))).toBe(fits);
  });
});
