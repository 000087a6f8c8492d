/**
 * A worker process that asks once for the credentials of an account, for tests that kill it. Arguments: the database, the
 * third party, the account. Prints the version it got.
 */
import { oauthProvider, startCredentialWorker } from './credential-worker.ts';

const [databaseUrl = '', apiUrl = '', account = ''] = process.argv.slice(2);
const worker = startCredentialWorker(databaseUrl, oauthProvider(apiUrl));
const found = await worker.credentials.get('social', account, { maxWaitMs: 30_000 });
console.log(found?.version);
await worker.end();
