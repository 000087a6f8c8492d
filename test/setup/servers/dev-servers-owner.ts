/**
 * A process that owns development servers, for tests that end it in several ways: says in one line of JSON what it has,
 * then waits. Arguments: the data folder, and whether to `die` at SIGINT (as Node does by itself), to
 * `drain` at SIGINT, or to `keep` the servers and end.
 */
import { startDevServers } from '../../../dev-servers/index.ts';

const [dataDir = '', atEnd = 'die'] = process.argv.slice(2);
const servers = await startDevServers({ dataDir });
if (atEnd === 'drain') {
  process.once('SIGINT', () => {
    // Work that is finished first still has its servers: they do not see the terminal's Ctrl-C.
    void fetch(servers.webUiUrl ?? '')
      .then((answer) => console.log(JSON.stringify({ webUiStatus: answer.status })))
      .then(() => servers.stop())
      .then(() => process.exit(0));
  });
}
const { databaseUrl, temporalAddress, webUiUrl, owned } = servers;
console.log(JSON.stringify({ databaseUrl, temporalAddress, webUiUrl, owned }));
if (atEnd === 'keep') await servers.keepRunning();
else process.stdin.resume(); // stays until it is ended
