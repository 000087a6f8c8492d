/**
 * The connections that calls go over: straight or by a proxy, anywhere or to public addresses only. Used by `send.ts`.
 */
import { createHash } from 'node:crypto';
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { mendParsers } from './mend-parser.ts';
import type { ClientCertificate } from '../../contracts/secrets/client-certificate.ts';
import { createConnector } from './connector.ts';
import { refusePrivateAddresses } from './private-addresses.ts';
import { watched } from './write-watch.ts';

/** As the usual variables have them; a value that is not given stands for none. This machine is never reached by a proxy. */
export interface ProxySettings {
  /** For `http:` addresses, e.g. `http://user:password@proxy.internal:3128`. Variable `HTTP_PROXY`. */
  readonly httpProxy?: string;
  /** For `https:` addresses. Variable `HTTPS_PROXY`. Default: the one for `http:`. */
  readonly httpsProxy?: string;
  /** Hosts that are reached without it, by commas: `db.internal,.corp.example:8443`. `*`: all. Variable `NO_PROXY`. */
  readonly noProxy?: string;
}

export interface Agents {
  /** @param certificate connections that were made with it are used by calls that show the same one, and by no others. */
  agentFor(connectMs: number, isPublicOnly: boolean, certificate?: ClientCertificate): Dispatcher;
  close(): Promise<void>;
}

const KEEP_ALIVE_MS = 10_000;
const THIS_MACHINE = 'localhost,127.0.0.1,[::1]';

/** Agents with a certificate, of as many accounts. One that is not used has no connections after some seconds. */
const MOST_AGENTS = 1_000;

/** The connect timeout and the certificate belong to an agent, all else to the request. */
export function createAgents(proxy: ProxySettings | undefined): Agents {
  mendParsers();
  const agents = new Map<string, Dispatcher>();
  return {
    agentFor: (connectMs, isPublicOnly, certificate) => {
      const name = `${connectMs}/${isPublicOnly}/${certificate ? nameOf(certificate) : ''}`;
      const agent = agents.get(name) ?? createAgent(connectMs, isPublicOnly, proxy, certificate);
      agents.delete(name);
      agents.set(name, agent);
      const [oldest] = agents.keys();
      if (agents.size > MOST_AGENTS && oldest !== undefined) {
        // Its calls in flight come to their end.
        void agents.get(oldest)?.close();
        agents.delete(oldest);
      }
      return agent;
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

/** All that a handshake is made of: the same name means that whoever may use the one connection may use the other. */
function nameOf({ certificate, key, passphrase, ca }: ClientCertificate): string {
  return createHash('sha256')
    .update(JSON.stringify([certificate, key, passphrase, ca]))
    .digest('base64');
}

function createAgent(
  connectMs: number,
  isPublicOnly: boolean,
  proxy: ProxySettings | undefined,
  shown: ClientCertificate | undefined,
): Dispatcher {
  const { certificate: cert, key, passphrase, ca } = shown ?? {};
  const tls = {
    timeout: connectMs,
    ...(shown ? { cert, key } : {}),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(ca === undefined ? {} : { ca }),
  };
  /** Straight. */
  const connect = createConnector({ ...tls, ...(isPublicOnly ? { lookup: publicLookup } : {}) });
  if (!proxy?.httpProxy && !proxy?.httpsProxy) return new WatchedAgent({ connect, keepAliveTimeout: KEEP_ALIVE_MS });
  const { httpProxy = '', httpsProxy = '', noProxy = '' } = proxy;
  return new WatchedProxyAgent({
    connect,
    keepAliveTimeout: KEEP_ALIVE_MS,
    httpProxy,
    httpsProxy,
    noProxy: noProxy === '*' ? noProxy : `${THIS_MACHINE},${noProxy}`,
    proxyTls: { timeout: connectMs },
    requestTls: tls,
  });
}

class WatchedAgent extends Agent {
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return super.dispatch(options, watched(options, handler));
  }
}

class WatchedProxyAgent extends EnvHttpProxyAgent {
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return super.dispatch(options, watched(options, handler));
  }
}

/** Looks at the addresses that are connected to, so that a name can't lead elsewhere between a check and its use. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const refused = error ?? refusePrivateAddresses(hostname, addresses);
    if (refused) return callback(refused, '', 0);
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    return callback(null, first?.address ?? '', first?.family);
  });
};
