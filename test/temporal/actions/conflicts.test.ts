import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EntityBusy, type ActionHandle, type ConflictPolicy } from '../../../client/index.ts';
import { defineProvider, defineSaga, del, inflight, noAuth, post } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { isLongForm } from '../../setup/long-form.ts';
import { createWorld, type World } from '../../setup/world.ts';

const NOTES = isLongForm ? 1_000 : 300;
/** Of so many notes one is deleted. */
const ONE_OF = isLongForm ? 11 : 5;
/** The reconciler looks at a place after 10 s, every 5 s. */
const RECONCILED = { timeout: 60_000, interval: 250 };

describe('two operations on one note', () => {
  let api: FakeApi;
  let world: World;
  /** What the third party saw, in the order in which it was done. */
  const events = new Map<string, string[]>();
  const inWork = new Map<string, number>();
  let overlaps = 0;

  const provider = defineProvider({
    id: 'notes',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [inflight('calls', { by: ['app'], max: 40 })],
  });
  const Note = z.object({ note: z.string() });
  const entity = ({ note }: z.output<typeof Note>) => `note/${note}`;
  const Done = z.object({ note: z.string() });
  const copy = provider.action('copy', {
    input: Note,
    output: Done,
    request: ({ note }) => post(`/copies/${note}`),
    conflicts: { entity, policy: 'wait' },
    idempotent: true,
  });
  const mark = provider.action('mark', {
    input: Note,
    output: Done,
    request: ({ note }) => post(`/marks/${note}`),
    compensate: ({ note }) => del(`/marks/${note}`),
    idempotent: true,
  });
  /** Holds one note and needs another. */
  const merge = defineSaga('merge', {
    input: z.object({ note: z.string(), into: z.string() }),
    conflicts: { entity, policy: 'wait' },
  })
    .step('mark', mark, ({ input }) => ({ note: input.note }))
    .step('copy', copy, ({ input }) => ({ note: input.into }));
  const remove = (name: string, policy: ConflictPolicy) =>
    provider.action(name, {
      input: Note,
      output: Done,
      request: ({ note }) => del(`/notes/${note}`),
      conflicts: { entity, policy },
      idempotent: true,
    });
  const deletes = {
    refuse: remove('deleteRefusing', 'refuse'),
    wait: remove('deleteWaiting', 'wait'),
    'cancel-previous': remove('deleteCancelling', 'cancel-previous'),
  };

  beforeAll(async () => {
    api = await startFakeApi();
    const work =
      (event: string) =>
      async (_: unknown, { note }: { note: string }) => {
        inWork.set(note, (inWork.get(note) ?? 0) + 1);
        if ((inWork.get(note) as number) > 1) overlaps++;
        await delay(20);
        inWork.set(note, (inWork.get(note) as number) - 1);
        events.set(note, [...(events.get(note) ?? []), event]);
        return { body: { note } };
      };
    api.route('POST', '/copies/:note', work('copied'));
    api.route('DELETE', '/notes/:note', work('deleted'));
    const saw = (note: string, event: string) => {
      events.set(note, [...(events.get(note) ?? []), event]);
      return { body: { note } };
    };
    // Both sagas hold their own note when the first mark is made.
    const marks: string[] = [];
    let areBothThere = (): void => {};
    const bothThere = new Promise<void>((resolve) => (areBothThere = resolve));
    api.route('POST', '/marks/:note', async (_, { note }) => {
      marks.push(note);
      if (marks.length === 2) areBothThere();
      await bothThere;
      return saw(note, 'marked');
    });
    api.route('DELETE', '/marks/:note', (_, { note }) => saw(note, 'mark removed'));
    world = await createWorld([], { actions: [copy, ...Object.values(deletes)], sagas: [merge], workers: 2 });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  const act = (action: typeof copy, note: string, account = 'a') =>
    world.sluice.act(action, { account, input: { note } });
  const typeOf = (handle: ActionHandle<unknown>): Promise<string> =>
    handle.result().then(
      () => 'done',
      (error: { type?: string }) => String(error.type),
    );

  it(
    'ends in one of the stated ways when hundreds of notes are copied while the user deletes originals',
    { timeout: 300_000 },
    async () => {
      const policies = ['refuse', 'wait', 'cancel-previous'] as const;
      const copies = new Map<string, ActionHandle<unknown>>();
      const removals = new Map<string, { policy: ConflictPolicy; end: Promise<string> }>();
      const removeNote = async (note: string, policy: ConflictPolicy): Promise<void> => {
        const end = act(deletes[policy], note).then(typeOf, (error: unknown) => {
          expect(error).toBeInstanceOf(EntityBusy);
          return 'refused';
        });
        removals.set(note, { policy, end });
        await end.catch(() => {});
      };
      // Each deletion races with the very copy that is being accepted, or comes while it waits for the third party.
      const racing: Promise<void>[] = [];
      const lane = async (from: number): Promise<void> => {
        for (let index = from; index < NOTES; index += 10) {
          const note = `n${index}`;
          const isDeleted = index % ONE_OF === 0;
          const policy = policies[(index / ONE_OF) % 3] as ConflictPolicy;
          if (isDeleted && index % 2 === 0) racing.push(removeNote(note, policy));
          copies.set(note, await act(copy, note));
          if (isDeleted && index % 2 === 1) racing.push(removeNote(note, policy));
        }
      };
      await Promise.all(Array.from({ length: 10 }, (_, from) => lane(from)));
      await Promise.all(racing);
      expect(removals.size).toBe(Math.ceil(NOTES / ONE_OF));

      const seen = new Set<string>();
      for (const [note, handle] of copies) {
        const copied = await typeOf(handle);
        const removal = removals.get(note);
        const happened = (events.get(note) ?? []).join(', ');
        if (!removal) {
          expect([copied, happened]).toEqual(['done', 'copied']);
          continue;
        }
        const removed = await removal.end;
        const story = `${removal.policy}: copy ${copied}, delete ${removed}: ${happened}`;
        seen.add(story);
        expect([
          'refuse: copy done, delete refused: copied',
          'refuse: copy done, delete done: copied, deleted',
          'refuse: copy done, delete done: deleted, copied',
          'wait: copy done, delete done: copied, deleted',
          'wait: copy done, delete done: deleted, copied',
          'cancel-previous: copy cancelled, delete done: deleted',
          'cancel-previous: copy done, delete done: copied, deleted',
          'cancel-previous: copy done, delete done: deleted, copied',
        ]).toContain(story);
      }
      expect(seen.has('refuse: copy done, delete refused: copied')).toBe(true);
      expect(seen.has('wait: copy done, delete done: copied, deleted')).toBe(true);
      expect(overlaps).toBe(0);
      const left = async () => (await world.db.pool.query('select entity from sluice.entity_lock')).rows;
      await expect.poll(left, RECONCILED).toEqual([]);
    },
  );

  // These wait for the reconciler, together; each has notes of its own.
  it.concurrent(
    'ends for two sagas that each hold what the other needs: one is done, one is refused and takes back what it did',
    async ({ expect }) => {
      const sagas = await Promise.all([
        world.sluice.saga(merge, { account: 'a', input: { note: 'left', into: 'right' } }),
        world.sluice.saga(merge, { account: 'a', input: { note: 'right', into: 'left' } }),
      ]);
      const ends = await Promise.all(
      sagas.map((saga) => saga.result().then(() => 'done', (error: Error & { type?: string }) => `${error.type}: ${error.message}`)),
    ); // prettier-ignore
      const [refused] = ends.filter((end) => end !== 'done');
      expect(ends).toContain('done');
      expect(refused).toMatch(
        /^conflict: copy failed: "note\/(left|right)" is being worked on by .*, which waits for what this saga holds; taken back: mark$/,
      );
      const stories = ['left', 'right'].map((note) => (events.get(note) ?? []).join(', '));
      expect(stories.toSorted()).toEqual(['marked', 'marked, mark removed, copied']);
      expect(overlaps).toBe(0);
      for (const note of ['left', 'right'])
        await expect.poll(() => world.sluice.pending(`note/${note}`), RECONCILED).toEqual([]);
    },
  );

  it.concurrent('shows the app what is pending, in order, and who asked for it', async ({ expect }) => {
    api.script('POST /copies/x', ['silent']);
    const first = await world.sluice.act(copy, { account: 'a', input: { note: 'x' }, startedBy: 'user:1' });
    await expect.poll(async () => (await first.status())?.state).toBe('sending');
    const second = await world.sluice.act(deletes.wait, { account: 'a', input: { note: 'x' }, startedBy: 'user:2' });
    expect(await world.sluice.pending('note/x')).toMatchObject([
      { name: 'notes/copy', startedBy: 'user:1', position: 0, workflowId: first.workflowId },
      { name: 'notes/deleteWaiting', startedBy: 'user:2', position: 1, acquiredAt: null },
    ]);
    const refused = await act(deletes.refuse, 'x', 'x').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(EntityBusy);
    expect((refused as EntityBusy).pending).toHaveLength(2);
    expect(await world.sluice.reports.list({ name: 'notes/deleteRefusing', account: 'x' })).toEqual([]);
    await second.cancel();
    expect(await typeOf(second)).toBe('cancelled');
    expect(await world.sluice.pending('note/x')).toHaveLength(1);
    await world.temporal.workflow.getHandle(first.workflowId).terminate('enough');
  });

  it.concurrent(
    'frees a lock whose workflow was terminated: at once for who would be refused, soon for who waits',
    async ({ expect }) => {
      api.script('POST /copies/y', ['silent']);
      api.script('POST /copies/z', ['silent']);
      const first = await act(copy, 'y');
      await expect.poll(async () => (await first.status())?.state).toBe('sending');
      await world.temporal.workflow.getHandle(first.workflowId).terminate('enough');
      expect(await typeOf(await act(deletes.refuse, 'y'))).toBe('done');

      const second = await act(copy, 'z');
      await expect.poll(async () => (await second.status())?.state).toBe('sending');
      const waiting = await act(deletes.wait, 'z');
      await world.temporal.workflow.getHandle(second.workflowId).terminate('enough');
      await expect.poll(async () => (await waiting.status())?.state, RECONCILED).toBe('done');
      expect(events.get('z')).toEqual(['deleted']);
      await expect.poll(() => world.sluice.pending('note/z')).toEqual([]);
    },
  );

  it.concurrent('gives a waiting one its turn although the signal that says so was lost', async ({ expect }) => {
    api.script('POST /copies/w', ['silent']);
    const first = await act(copy, 'w');
    await expect.poll(async () => (await first.status())?.state).toBe('sending');
    const waiting = await act(deletes.wait, 'w');
    const hasAsked = async () => {
      const { events = [] } = await world.temporal.workflow.getHandle(waiting.workflowId).fetchHistory();
      return events?.some((event) => event.markerRecordedEventAttributes);
    };
    await expect.poll(hasAsked, { timeout: 20_000 }).toBe(true);
    // As if the worker had died between giving the lock back and telling the next one.
    await world.db.pool.query(`select sluice.release_lock('note/w', $1)`, [first.workflowId]);
    await expect.poll(async () => (await waiting.status())?.state, RECONCILED).toBe('done');
    await world.temporal.workflow.getHandle(first.workflowId).terminate('enough');
  });
});
