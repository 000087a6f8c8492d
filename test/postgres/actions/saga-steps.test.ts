import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { prepareStep } from '../../../activities/action/saga-steps.ts';
import { inTransaction, insertSaga, listSteps, releaseLock, takeLock } from '../../../db/index.ts';
import { defineProvider, defineSaga, del, noAuth, path, post } from '../../../providers/index.ts';
import { createActionDrive, type ActionDrive } from '../../setup/drive-action.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

describe('a step of a saga', () => {
  let db: TestDatabase;
  let drive: ActionDrive;
  const shop = defineProvider({ id: 'shop', baseUrl: 'http://127.0.0.1:1', auth: noAuth(), limits: [] });
  const write = shop.action('write', {
    input: z.object({ ref: z.string() }),
    output: z.object({ id: z.string() }),
    request: (input) => post('/x', input),
    compensate: ({ id }) => del(path`/x/${id}`),
  });
  const drawn = shop.action('drawn', {
    input: z.object({ ref: z.string().default(() => crypto.randomUUID()) }),
    output: z.object({ id: z.string() }),
    request: (input) => post('/x', input),
  });
  const marked = shop.action('marked', {
    input: z.object({ ref: z.string() }),
    output: z.object({ id: z.string() }),
    request: (input) => post('/x', input),
    compensate: ({ id }) => del(path`/x/${id}`),
    conflicts: { entity: ({ ref }) => `note/${ref}` },
  });
  const { definition } = defineSaga('buy', { input: z.object({ note: z.string() }) })
    .step('first', write, ({ input }) => ({ ref: input.note }))
    .step('drawn', drawn, () => ({}))
    .step('marked', marked, ({ input }) => ({ ref: input.note }));

  beforeAll(async () => {
    db = await createTestDatabase();
    drive = createActionDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
  });

  const begun = async (key: string) => {
    const workflowId = `saga/buy/a/${key}`;
    const startedBy = 'system';
    await insertSaga(db.pool, { workflowId, name: 'buy', account: 'a', tenant: 'a', startedBy, input: { note: key } });
    const prepare = (step: string, undo = false) =>
      prepareStep(
        { ...drive.deps, sagaNamed: () => definition },
        { saga: 'buy', sagaWorkflowId: workflowId, sagaRunId: 'r', step, undo },
      );
    const lock = (of: string, policy: 'wait' | 'cancel-previous') =>
      inTransaction(
        db.pool,
        (tx) =>
        takeLock(tx, { entity: `note/${key}`, workflowId: of, rootWorkflowId: of, kind: 'saga', name: 'buy', account: 'a', startedBy, policy }), // prettier-ignore
      );
    return { workflowId, prepare, lock };
  };

  it('is not begun where a later operation has cancelled the saga before its workflow was there to be told', async () => {
    const { workflowId, prepare, lock } = await begun('n1');
    await lock(workflowId, 'wait');
    expect(await lock('saga/buy/a/later', 'cancel-previous')).toMatchObject({ state: 'waiting', ahead: [workflowId] });
    await expect(prepare('first')).rejects.toMatchObject({ type: 'cancelled', nonRetryable: true });
    expect(await listSteps(db.pool, workflowId)).toEqual([]);
    // What was done before that is taken back all the same.
    expect(await prepare('first', true)).toMatchObject({ workflowId: `${workflowId}/first/undo` });
  });

  it('is taken back whoever works on its entity: nothing may keep a compensation from being made', async () => {
    const { prepare, lock } = await begun('n3');
    expect(await prepare('marked')).toMatchObject({ lock: { entity: 'note/n3', mustWait: false } });
    await inTransaction(db.pool, (tx) => releaseLock(tx, 'note/n3', 'saga/buy/a/n3/marked'));
    expect(await lock('action/other/a/1', 'wait')).toMatchObject({ state: 'held' });
    expect(await prepare('marked', true)).not.toHaveProperty('lock');
  });

  it('is a bug where the schema of its action makes another input each time', async () => {
    const { workflowId, prepare } = await begun('n2');
    expect(await prepare('first')).toMatchObject({ workflowId: `${workflowId}/first` });
    await expect(prepare('drawn')).rejects.toMatchObject({
      type: 'bug',
      message: expect.stringContaining('the input of step "drawn" is another one each time its schema reads it'),
    });
  });
});
