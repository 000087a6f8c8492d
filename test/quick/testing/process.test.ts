import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { FakeApiProcess } from '../../../testing/index.ts';
import { startFakeApi, startFakeApiProcess } from '../../../testing/index.ts';

const module = new URL('../../fixtures/testing-process-module.ts', import.meta.url);

describe('a fake third party in a process of its own', () => {
  let api: FakeApiProcess;
  afterEach(() => api.kill());
  const status = (path: string) => fetch(`${api.url}${path}`).then(({ status }) => status);

  it('serves what its module sets up, obeys commands and reports', async () => {
    api = await startFakeApiProcess(module, { args: { rows: 30 } });
    expect(api.pid).not.toBe(process.pid);
    expect([await status('/rows'), await status('/rows'), await status('/rows')]).toEqual([200, 200, 429]);
    expect(await api.report()).toMatchObject({ calls: 3, ok: 2, refused: 1, violationCount: 1 });
    expect(await api.positions('/rows')).toEqual({ '0': { calls: 3, ok: 2 } });
    await api.setLimit('app', { max: 100 });
    await api.script('/rows', ['503', { status: 418 }]);
    expect([await status('/rows'), await status('/rows'), await status('/rows')]).toEqual([503, 418, 200]);
    await api.chaos({ rate: 1, kinds: ['500'] });
    expect(await status('/rows')).toBe(500);
    await api.calm();
    await api.outage({ kind: 'refuse' });
    await expect(status('/rows')).rejects.toThrow('fetch failed');
    await api.endOutage();
    await api.reset();
    expect(await status('/rows')).toBe(200);
    expect((await api.report()).calls).toBe(1);
    expect(await api.command('sum', [1, 2, 3])).toBe(6);
    await expect(api.command('explode')).rejects.toThrow('boom');
    await expect(api.command('nonsense')).rejects.toThrow('unknown command "nonsense"');
    await expect(api.setLimit('other', { max: 1 })).rejects.toThrow('no limit is named "other"');
    await api.stop();
    await expect(fetch(api.url)).rejects.toThrow('fetch failed');
    await expect(api.report()).rejects.toThrow('has ended');
  });

  it('serves a description in JSON', async () => {
    api = await startFakeApiProcess({
      lists: { '/users/:id/posts': { count: 45, pagination: 'page' } },
      objects: { '/users/:id': { kind: 'user' } },
      actions: ['/posts'],
      limits: [{ name: 'token', by: 'token', max: 1, on: '/users/:id' }],
    });
    expect(await (await fetch(`${api.url}/users/u1`)).json()).toEqual({ id: 'u1', kind: 'user' });
    expect(await status('/users/u1')).toBe(429);
    const page = (await (await fetch(`${api.url}/users/u1/posts?page=3`)).json()) as { items: unknown[] };
    expect(page.items).toHaveLength(5);
    expect((await fetch(`${api.url}/posts`, { method: 'POST', body: '{}' })).status).toBe(201);
  });

  it('says why it could not start', async () => {
    await expect(startFakeApiProcess(fileURLToPath(new URL('nothing-here.ts', import.meta.url)))).rejects.toThrow(
      /nothing-here/,
    );
  });
});

describe('stopping a fake third party', () => {
  it('closes hanging connections, timers and ports, and leaves the process free to end', () => {
    // A process that starts one, leaves calls hanging in every way, stops it, and must end by itself.
    const script = `
      import { startFakeApi, startFakeApiProcess } from ${JSON.stringify(new URL('../../../testing/index.ts', import.meta.url).href)};
      const api = await startFakeApi({ latencyMs: 20 });
      api.oauth({ answerAfterMs: 60_000, protects: '/none' });
      api.list('/rows', { count: 10, msPerRow: 10_000 }).object('/me', () => ({}));
      api.action('POST', '/posts', { answerAfterMs: 60_000 });
      api.script('/me', ['silent', 'drip-headers', 'endless-body', 'stalled-body', 'timeout-headers', { delayMs: 60_000 }]);
      const calls = [
        ...Array.from({ length: 6 }, () => fetch(api.url + '/me').then((answer) => answer.text())),
        fetch(api.url + '/rows'),
        fetch(api.url + '/posts', { method: 'POST', body: '{}' }),
      ];
      const settled = Promise.allSettled(calls);
      while (api.report().calls < 8) await new Promise((resolve) => setTimeout(resolve, 5));
      api.outage({ afterMs: 60_000 });
      api.pause();
      await api.stop();
      const ends = await settled;
      console.log(ends.filter(({ status }) => status === 'rejected').length, api.report().openConnections);`;
    const out = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(out.trim()).toBe('8 0');
  });

  it('may be stopped twice, and during an outage', async () => {
    const api = await startFakeApi();
    const outage = api.outage({ kind: 'refuse' });
    await outage.begun;
    await api.stop();
    await outage.over;
    await api.stop();
    await expect(fetch(api.url)).rejects.toThrow('fetch failed');
  });
});
