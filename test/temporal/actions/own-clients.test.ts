import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { fetchInvoice, FileStore, InvoiceService } from '../../fixtures/invoices.ts';
import { registrationMail } from '../../fixtures/registration-mail.ts';
import { startSmtpServer, type SmtpServer } from '../../setup/servers/smtp-server.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('actions through clients of their own', () => {
  let api: FakeApi;
  let smtp: SmtpServer;
  let world: World;
  const files = new FileStore();
  const register = registrationMail(
    () => smtp.port,
    (messageId) => Promise.resolve(smtp.accepted.some((mail) => mail.messageId === messageId)),
  );
  const invoice = fetchInvoice(new InvoiceService(() => api.url), files);

  beforeAll(async () => {
    api = await startFakeApi();
    api.object('/invoices/:number', ({ number }) => (number === 'none' ? undefined : { number, total: 42 }));
    smtp = await startSmtpServer();
    world = await createWorld([], { actions: [register, invoice] });
  });
  afterAll(async () => {
    await world?.end();
    await smtp?.stop();
    await api?.stop();
  });
  let user = 0;
  const welcome = () => {
    user += 1;
    const to = `u${user}@example.com`;
    return world.sluice.act(register, { account: 'app', input: { to, name: 'Ada' }, startedBy: `user:${user}` });
  };

  it('sends the registration mail after the request handler has answered', async () => {
    // The handler awaits that it is accepted, and nothing else.
    const handle = await welcome();
    const { messageId } = await handle.result();
    expect(smtp.accepted.at(-1)).toMatchObject({ to: '<u1@example.com>', messageId });
    expect(messageId).toBe(`<${(await handle.status())?.idempotencyKey}@app.test>`);
  });

  it('sends one mail although the connection is lost after the server has taken it', async () => {
    smtp.script('drop');
    const handle = await welcome();
    const { messageId } = await handle.result();
    expect(smtp.byMessageId()[messageId]).toBe(1);
    expect(await handle.status()).toMatchObject({ state: 'done', calls: 2 });
  });

  it('tries again what the server refuses for now', async () => {
    smtp.script('busy', 'busy');
    const handle = await welcome();
    const { messageId } = await handle.result();
    expect(smtp.byMessageId()[messageId]).toBe(1);
    expect(await handle.status()).toMatchObject({ state: 'done', calls: 3 });
  });

  it('does not try again what the server refuses for good, and the report says it', async () => {
    const before = smtp.accepted.length;
    smtp.script('refuse');
    const handle = await welcome();
    await expect(handle.result()).rejects.toMatchObject({ type: 'gone', message: '550 5.1.1 no such mailbox' });
    expect(smtp.accepted.length).toBe(before);
    const report = async () => (await world.sluice.reports.list({ workflowId: handle.workflowId }))[0];
    await expect
      .poll(report)
      .toMatchObject({ status: 'failed', what: `welcomes u${user}@example.com`, startedBy: `user:${user}` });
  });

  it('is delivered later when there is no mail server just now', async () => {
    const port = smtp.port;
    await smtp.stop();
    const handle = await welcome();
    await expect.poll(async () => (await handle.status())?.calls, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
    expect((await handle.status())?.state).not.toBe('done');
    expect(port).toBeGreaterThan(0);
    smtp = await startSmtpServer();
    const { messageId } = await handle.result();
    expect(smtp.byMessageId()).toEqual({ [messageId]: 1 });
  });

  it('fetches and stores through services that know nothing of all this', async () => {
    api.script('/invoices/:number', ['500', 'reset']);
    const handle = await world.sluice.act(invoice, { account: 'acme', input: { number: 'i-1' } });
    expect(await handle.result()).toEqual({ file: 'acme/i-1.json', total: 42 });
    expect(files.files.get('acme/i-1.json')).toBe('{"number":"i-1","total":42}');
    expect(files.writes).toBe(1);
    expect(await handle.status()).toMatchObject({ calls: 3 });
    const missing = await world.sluice.act(invoice, { account: 'acme', input: { number: 'none' } });
    await expect(missing.result()).rejects.toMatchObject({ type: 'gone' });
  });
});
