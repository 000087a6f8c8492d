/**
 * Starts a real Bluesky PDS and the PLC directory it needs, both on free loopback ports, and prints one JSON line when
 * they answer: `{ url, plcUrl, controlUrl, adminPassword, bypassKey, dataDir, pid }`. Plain JavaScript, so that it runs
 * with its own packages (those of `--packages`, else of this folder). `../pds.ts` spawns it; `call-counter.mjs` is what
 * its control port shows.
 *
 *   node start-pds.mjs --limit 300 --window-seconds 10 --token-seconds 20 --data-dir /some/empty/folder
 *
 * It ends on SIGTERM, on `POST <controlUrl>/_stop`, and when a parent that holds its stdin as a pipe is gone. Without such
 * a parent also on SIGINT; with one, Ctrl-C is the parent's to answer, in its own order.
 * The firehose (`subscribeRepos`) is not served: nothing here reads it.
 */
import { randomBytes } from 'node:crypto';
import { fstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createCallCounter } from './call-counter.mjs';
import { setAccessTokenLife, setGlobalLimit } from './smaller-limits.mjs';

const { values: flags } = parseArgs({
  options: {
    limit: { type: 'string' },
    'window-seconds': { type: 'string' },
    'token-seconds': { type: 'string' },
    'data-dir': { type: 'string' },
    packages: { type: 'string' },
  },
});
const requirePackage = createRequire(
  flags.packages === undefined ? import.meta.url : join(resolve(flags.packages), '/'),
);
const limit = wholeNumber('limit');
const windowSeconds = wholeNumber('window-seconds');
const tokenSeconds = wholeNumber('token-seconds');

// Both must happen before the package builds its server.
if (limit !== undefined || windowSeconds !== undefined) setGlobalLimit(requirePackage, { limit, windowSeconds });
if (tokenSeconds !== undefined) setAccessTokenLife(requirePackage, tokenSeconds);

const { PDS, envToCfg, envToSecrets } = requirePackage('@atproto/pds');
const { PlcServer, Database: PlcDatabase } = requirePackage('@did-plc/server');

const isTemporary = flags['data-dir'] === undefined;
const dataDir = isTemporary ? mkdtempSync(join(tmpdir(), 'bluesky-pds-')) : emptyFolder(resolve(flags['data-dir']));
if (isTemporary) process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
const bypassKey = randomBytes(12).toString('hex');
const adminPassword = randomBytes(12).toString('hex');
const counter = createCallCounter({ isBypassed: (request) => request.headers['x-ratelimit-bypass'] === bypassKey });

// The ports are taken first and answered later, because the PDS writes its own address into every account it makes.
const plcFront = await listenOnLoopback();
const pdsFront = await listenOnLoopback();
const controlFront = await listenOnLoopback();

const plc = PlcServer.create({ db: PlcDatabase.mock() });
plcFront.answerWith(plc.app);

const settings = {
  hostname: 'localhost',
  port: pdsFront.port,
  dataDirectory: dataDir,
  blobstoreDiskLocation: join(dataDir, 'blobs'),
  didPlcUrl: plcFront.url,
  inviteRequired: false,
  rateLimitsEnabled: true,
  rateLimitBypassKey: bypassKey,
  // Without it an http address of its own is refused at start.
  devMode: true,
  adminPassword,
  jwtSecret: randomBytes(16).toString('hex'),
  plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
};
const pds = await PDS.create(envToCfg(settings), envToSecrets(settings));
// What `pds.start()` does besides listening; listening is ours, to stay on loopback and to count.
await pds.ctx.sequencer.start();
pdsFront.answerWith(counter.counted(pds.app));

let isStopping = false;
controlFront.answerWith((request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  switch (`${request.method} ${request.url}`) {
    case 'GET /_stats':
      return answer(200, counter.stats());
    case 'POST /_reset':
      counter.reset();
      return answer(200, { ok: true });
    case 'POST /_stop':
      response.once('close', () => void stop(0));
      return answer(200, { ok: true });
    default:
      return answer(404, { error: 'GET /_stats, POST /_reset and POST /_stop are what this port answers' });
  }
});

// `on`, not `once`: after the first signal a second one would otherwise find no handler and kill this process before its end.
process.on('SIGTERM', () => void stop(0));
if (isPipe(0)) {
  // A dead parent, however it died, closes its end of the pipe.
  process.stdin.once('close', () => void stop(0)).resume();
  process.on('SIGINT', () => {});
} else {
  process.on('SIGINT', () => void stop(0));
}
// A parent that read the line below and left this process running no longer reads: nothing said to it matters.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const ready = {
  url: pdsFront.url,
  plcUrl: plcFront.url,
  controlUrl: controlFront.url,
  adminPassword,
  bypassKey,
  dataDir,
  pid: process.pid,
};
process.stdout.write(`${JSON.stringify(ready)}\n`);

async function stop(code) {
  if (isStopping) return;
  isStopping = true;
  // A call that hangs must not keep the process: 5 s, then out.
  setTimeout(() => process.exit(1), 5_000).unref();
  for (const front of [controlFront, pdsFront, plcFront]) await front.close();
  await pds.destroy();
  process.exit(code);
}

/** A server on a free loopback port that answers 503 until it is given something to answer with. */
async function listenOnLoopback() {
  let handler = (_request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => handler(request, response));
  // As the PDS sets it, so that a pooled connection is not closed under a client that is about to reuse it.
  server.keepAliveTimeout = 90_000;
  await new Promise((listening, failed) => server.once('error', failed).listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    answerWith: (next) => void (handler = next),
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}

function wholeNumber(name) {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new TypeError(`--${name} must be a whole number from 1, not "${text}"`);
  return value;
}

/** The directory of accounts is in memory only, so an older PDS's data could not be used again: the folder must be empty. */
function emptyFolder(path) {
  mkdirSync(path, { recursive: true });
  if (readdirSync(path).length > 0)
    throw new Error(`--data-dir must be an empty or missing folder, ${path} has files in it`);
  return path;
}

function isPipe(descriptor) {
  const stat = fstatSync(descriptor);
  return stat.isFIFO() || stat.isSocket();
}
