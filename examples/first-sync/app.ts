/**
 * The app's side of the README's example: start a run in a request handler, look at it, read what it stored.
 */
import { connect } from '../../client/index.ts';
import { network } from './sluice.ts';

const sluice = await connect();

// Returns as soon as Temporal has accepted it. A second start for the same account attaches to the running one.
const run = await sluice.start(network, { account: 'acct_42', input: { userId: 'u1' }, priority: 'interactive' });
console.log(run.workflowId, await run.progress());

const result = await run.result();
console.log(result.state, result.complete, result.flaws);

for await (const post of sluice.records(network.posts, { account: 'acct_42' })) {
  console.log(post.sequence, post.change, post.data.text);
}
await sluice.close();
