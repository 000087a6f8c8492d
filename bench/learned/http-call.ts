/** One call to the hidden-limit server, with the time it was sent. Next: `bench/limiter/hidden-server.ts`. */
import { request } from 'node:http';
import type { Agent } from 'node:http';
import { machineMs } from '../limiter/hidden-server.ts';

/** @returns the status. */
export function call(agent: Agent, port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, path, headers: { 'x-sent-at': String(machineMs()) } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}
