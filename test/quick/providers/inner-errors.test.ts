/** Errors inside of good answers, as a definition in a hurry would take them: any body, whatever key. */
import { describe, expect, it } from 'vitest';
import { withData } from '../../../activities/bodies/body-data.ts';
import type { Answer } from '../../../contracts/answers/answer.ts';
import type { BodyFormat } from '../../../contracts/answers/body-format.ts';
import { defaultOutcome } from '../../../providers/rules/default-rules.ts';
import { defaultWriteOutcome } from '../../../providers/rules/write-rules.ts';

const answerOf = (body: unknown, status = 200): Answer => ({
  status,
  headers: {},
  text: typeof body === 'string' ? body : JSON.stringify(body),
  elapsedMs: 1,
});
const listOf = (body: unknown, format?: BodyFormat, status?: number) =>
  defaultOutcome(withData(answerOf(body, status), format), { isList: true }).kind;
const writeOf = (body: unknown, status?: number) =>
  defaultWriteOutcome(answerOf(body, status), { idempotent: false }).kind;

const ROW = { id: 1, b: 1 };
const USER_ERRORS = [{ field: ['a'], message: 'is bad' }];
const OUTCOME_OF_FHIR = {
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'processing', diagnostics: 'The index is not available' }],
};
const SOAP_FAULT =
  '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>' +
  '<faultcode>soap:Server</faultcode><faultstring>boom</faultstring></soap:Fault></soap:Body></soap:Envelope>';

describe('a list', () => {
  it.each<[what: string, body: unknown, format?: BodyFormat, status?: number]>([
    ['ends in a line of an error, of one column', 'id\n1\n2\nError: export timed out\n', 'csv'],
    ['ends in a line of an error, with a comma in it', 'id,b\n1,x\nERROR: timed out, try again\n', 'csv'],
    ['ends in a line of HTML', 'id\n1\n2\n<html><body>502 Bad Gateway</body></html>\n', 'csv'],
    ['has nothing but a line of an error', 'id\nError: export timed out\n', 'csv'],
    ['has a line of an error in the middle', '{"id":1}\n{"error":"timed out"}\n{"id":2}\n', 'ndjson'],
    ['begins with a line of an error', '{"error":"timed out"}\n{"id":1}\n{"id":2}\n', 'ndjson'],
    ['has a line of a text', '{"id":1}\n"Error: timed out"\n', 'ndjson'],
    ['has a line of nothing', '{"id":1}\nnull\n{"id":2}\n', 'ndjson'],
    ['has an error among its rows', { items: [ROW, { error: { message: 'not loaded' } }] }],
    ['has userErrors', { data: { posts: { nodes: [ROW], userErrors: USER_ERRORS } } }],
    ['has userErrors and no rows', { data: { posts: { nodes: [], userErrors: USER_ERRORS } } }],
    ['says deeper that it has no success', { data: { items: [ROW], success: false } }],
    [
      'is the answer to several calls, one of which has failed',
      {
        methodResponses: [
          ['get', { list: [ROW] }, 'a'],
          ['error', { type: 'serverFail' }, 'b'],
        ],
      },
    ],
    ['has several statuses, one of which is bad', { items: [ROW, { id: 2, status: 403 }] }, 'json', 207],
    ['has several statuses, one of which has an error', [ROW, { id: 2, error: 'no' }], 'json', 207],
  ])('that %s is flawed', (_, body, format, status) => {
    expect(listOf(body, format, status)).toBe('flawed');
  });

  it('that has no rows, and says deeper that it has no success, is an error', () => {
    expect(listOf({ data: { items: [], success: false } })).toBe('retry');
  });

  it.each<[what: string, body: unknown, format?: BodyFormat]>([
    ['is one of errors, one of them severe', OUTCOME_OF_FHIR],
    [
      'is one of reasons beside a flag',
      { success: false, processId: '', reasons: [{ code: 1, message: 'It failed' }] },
    ],
    ['is a fault of SOAP', SOAP_FAULT, 'xml'],
    ['is a fault of SOAP without its prefixes', SOAP_FAULT, { kind: 'xml', prefixes: false }],
  ])('that %s is an error, whatever the list is called', (_, body, format) => {
    expect(listOf(body, format)).toBe('retry');
  });

  it.each<[what: string, body: unknown]>([
    ['is of entries of a log', { logs: [{ severity: 'error', message: 'x', timestamp: 1 }], page: 1 }],
    ['is of findings', { issues: [{ key: 'a', severity: 'CRITICAL', message: 'x', component: 'b' }], total: 1 }],
    [
      'tells a mere warning beside its rows',
      { items: [ROW], issue: [{ severity: 'warning', code: 'x', diagnostics: 'y' }] },
    ],
  ])('that %s is none', (_, body) => {
    expect(listOf(body)).toBe('ok');
  });

  it.each<[what: string, body: unknown, format?: BodyFormat, status?: number]>([
    [
      'is of errors',
      [
        { message: 'a', status: 'error', time: 1 },
        { message: 'b', status: 'error', time: 2 },
      ],
    ],
    ['is of lines of errors', '{"error":"a","at":1}\n{"error":"b","at":2}\n', 'ndjson'],
    ['is of messages', 'text,at\nError: a,1\nfine,2\nError: b,3\n', 'csv'],
    [
      'has rows with statuses',
      {
        items: [
          { id: 1, status: 404 },
          { id: 2, status: 'failed', error: 'x' },
        ],
      },
    ],
    ['has rows with userErrors', { items: [{ id: 1, userErrors: USER_ERRORS }] }],
    ['has no userErrors', { data: { posts: { nodes: [ROW], userErrors: [] } } }],
    ['has rows of several kinds', [{ id: 1 }, { name: 'x' }, null]],
    [
      'has several statuses, all of them good',
      [
        { id: 1, status: 200 },
        { id: 2, status: 201 },
      ],
      'json',
      207,
    ],
  ])('that %s is good', (_, body, format, status) => {
    expect(listOf(body, format, status)).toBe('ok');
  });
});

describe('a write', () => {
  it.each<[what: string, body: unknown, status?: number]>([
    ['userErrors', { data: { create: { post: null, userErrors: USER_ERRORS } } }],
    ['a list of errors, one of them severe', OUTCOME_OF_FHIR],
    ['userErrors of a certain user', { data: { create: { customerUserErrors: USER_ERRORS } } }],
    ['that it is not ok, beside data', { ok: false, data: { id: 1 } }],
    [
      'that a part of it has not succeeded',
      {
        results: [
          { id: 1, success: true },
          { id: 2, success: false },
        ],
      },
    ],
    ['that all of it has not succeeded', [{ success: false, errors: ['x'] }]],
    ['several statuses, one of which is bad', { responses: [{ status: 200 }, { status: 429 }] }, 207],
    ['errors beside data', { data: { a: ROW, b: null }, errors: [{ message: 'x', path: ['b'] }] }],
    ['an error beside other fields', { jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'x' } }],
    ['errors: true', { took: 3, errors: true, items: [{ index: { status: 400, error: { type: 'x' } } }] }],
    ['a partial failure', { partialFailureError: { code: 3, message: 'x' }, results: [{}] }],
    ['errors of its own name', { insertErrors: [{ index: 0, errors: [{ reason: 'invalid' }] }] }],
    [
      'an entry that has errors',
      { Status: 'OK', Invoices: [{ ID: 'i', HasErrors: true, ValidationErrors: [{ Message: 'x' }] }] },
    ],
    ['an entry that is an error', { create: [{ id: 0, error: { code: 'x', message: 'y' } }] }],
    [
      'an entry with the code of an error',
      { FailedRecordCount: 1, Records: [{ Id: '1' }, { ErrorCode: 'Throughput' }] },
    ],
    [
      'answers within, one of which is bad',
      [
        { code: 200, body: '{}' },
        { code: 400, body: '{"error":{}}' },
      ],
    ],
    ['outcomes by what was sent, one of which is bad', { sync_status: { a: 'ok', b: { error_code: 20, error: 'x' } } }],
    [
      'several calls, one of which has failed',
      {
        methodResponses: [
          ['set', { created: {} }, 'a'],
          ['error', { type: 'x' }, 'b'],
        ],
      },
    ],
    ['what was not created', { methodResponses: [['set', { created: null, notCreated: { a: { type: 'x' } } }, 'a']] }],
    ['what was not processed', { UnprocessedItems: { table: [{ PutRequest: {} }] } }],
    ['that a part was done', { records: [ROW], details: { message: 'partialSuccess', reasons: ['files'] } }],
    ['what was not taken of all', { partialSuccess: { rejectedSpans: '2', errorMessage: 'too old' } }],
    ['the status of an error alone', { status: 422, title: 'Bad Request', type: 'about:blank' }],
    ['the code of an error with words', { code: 500, message: 'no' }],
    ['a flag of 0 alone', { ok: 0 }],
    ['a code that is a failure', { return_code: 'FAIL', return_msg: 'no credit' }],
    ['words that are an error', 'ERROR: no credit'],
    ['the number of an error in words', 'ERR 301'],
    ['some that have failed', { Successful: [{ Id: 'a' }], Failed: [{ Id: 'b', Code: 'x' }] }],
  ])('that is answered with %s is not taken for done', (_, body, status) => {
    expect(writeOf(body, status)).toBe('unknown-write');
  });

  it.each<[what: string, body: unknown, status?: number]>([
    ['no userErrors', { data: { create: { post: ROW, userErrors: [] } } }],
    ['an object of a failed state', { id: 1, status: 'failed' }],
    ['no errors', { data: { id: 1 }, errors: [], error: null, hasErrors: false, error_code: 0, errorMessage: 'OK' }],
    [
      'what went wrong before',
      { id: 'pi', last_payment_error: { code: 'declined', message: 'x' }, status: 'succeeded' },
    ],
    ['numbers of its own', { accounts: [{ code: '400', status: 'ACTIVE' }], lines: [{ code: 410 }], error_count: 3 }],
    ['outcomes that are all good', { sync_status: { a: 'ok' }, results: { home: { score: 2 } } }],
    ['nothing that was not taken', { created: [ROW], notCreated: null, Failed: [], UnprocessedItems: {} }],
    ['entries without an error', { create: [{ id: 1, error: null, validationErrors: [] }] }],
    ['parts that have succeeded', [{ success: true, errors: [] }]],
    ['nothing that was left out', { partialSuccess: {}, partial_failure: false }],
    ['a thing that was done in part itself', { id: 'job', status: 'PARTIAL_SUCCESS' }],
    ['a code and words that are no error', { code: 1, message: 'SMS sent' }],
    ['words that are none', 'Failed payments are retried: 3'],
    ['an id in words', 'error-page-17'],
    ['a thing whose number is that of an error', { id: 7, code: 404, status: 500 }],
    ['several statuses, all of them good', { responses: [{ status: 200 }, { status: 201 }] }, 207],
  ])('that is answered with %s is done', (_, body, status) => {
    expect(writeOf(body, status)).toBe('ok');
  });

  it('that makes a job is read by its definition', () => {
    const answer = answerOf({ data: { run: { userErrors: USER_ERRORS } } });
    expect(defaultWriteOutcome(answer, { idempotent: false, isRead: true }).kind).toBe('ok');
  });
});
