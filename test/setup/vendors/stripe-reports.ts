/** Report runs of Stripe as its documentation describes them: made once for each key, asked for, and read from a file. */
import type { FakeApi } from '../../../testing/index.ts';

/** A movement of money, with the moment in epoch seconds. */
export interface Movement {
  readonly id: string;
  readonly created: number;
}

interface Run {
  readonly id: string;
  readonly form: URLSearchParams;
  polls: number;
}

/** @param polls how often a run says that it is still being made. */
export function playStripeReports(api: FakeApi, { polls = 1 } = {}) {
  const end = Math.floor(Date.now() / 1_000 / 86_400) * 86_400;
  const movements: Movement[] = Array.from({ length: 300 }, (_, i) => ({
    id: `txn_${i}`,
    created: end - (i + 1) * 3_600,
  }));
  const runs = new Map<string, Run>();
  const ofId = (id: string): Run => [...runs.values()].find((run) => run.id === id) as Run;
  const url = (id: string): string => `${api.url}/v1/files/file_${id}/contents`;
  const told = (run: Run) => {
    const isDone = run.polls > polls;
    return {
      id: run.id,
      status: isDone ? 'succeeded' : 'pending',
      error: null,
      result: isDone ? { url: url(run.id) } : null,
    };
  };
  api.route('GET', '/v1/reporting/report_types/:id', (_, { id }) => ({
    body: { id, data_available_start: end - 400 * 3_600, data_available_end: end },
  }));
  api.route('POST', '/v1/reporting/report_runs', ({ headers, text }) => {
    const key = String(headers['idempotency-key']);
    const run = runs.get(key) ?? { id: `frr_${runs.size}`, form: new URLSearchParams(text), polls: 0 };
    runs.set(key, run);
    return { body: told(run) };
  });
  api.route('GET', '/v1/reporting/report_runs/:id', (_, { id }) => {
    const run = ofId(id);
    run.polls++;
    return { body: told(run) };
  });
  api.route('GET', '/v1/files/:file/contents', (_, { file }) => {
    const { form } = ofId(file.replace('file_', ''));
    const columns = [...form].filter(([name]) => name.startsWith('parameters[columns]')).map(([, name]) => name);
    const [from, until] = ['start', 'end'].map((edge) => Number(form.get(`parameters[interval_${edge}]`)));
    const lines = movements
      .filter(({ created }) => created >= from! && created < until!)
      .map((movement) => columns.map((column) => cell(column, movement)).join(','));
    return { headers: { 'content-type': 'text/csv' }, body: [columns.join(','), ...lines, ''].join('\n') };
  });
  return { movements, end, runs };
}

function cell(column: string, { id, created }: Movement): string {
  const cells: Readonly<Record<string, string>> = {
    balance_transaction_id: id,
    created_utc: new Date(created * 1_000).toISOString().slice(0, 19).replace('T', ' '),
    currency: 'eur',
    gross: '12.30',
    fee: '0.30',
    net: '12.00',
    reporting_category: 'charge',
    description: '"Tea, green"',
  };
  return cells[column] ?? '';
}
