/**
 * A third party that is reached by TLS and wants a client certificate: who calls is the certificate of the connection, and a token is good
 * for the one that it was given to (RFC 8705 §3).
 */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { selfSignedCertificate, type Certificate } from '../../testing/faults/certificate.ts';

export interface SeenCall {
  readonly path: string;
  /** Whose certificate, by the name that the test gave it; `nobody` without one. */
  readonly who: string;
  /** A number for each connection. */
  readonly connection: number;
}

export interface TlsThirdParty {
  readonly url: string;
  /** To be trusted by clients. */
  readonly ca: string;
  readonly calls: SeenCall[];
  stop(): Promise<void>;
}

/** @param clients by the names of who they are; others are answered 401, and the token of one is refused to any other. */
export async function startTlsThirdParty(clients: Readonly<Record<string, Certificate>>): Promise<TlsThirdParty> {
  const own = selfSignedCertificate();
  const calls: SeenCall[] = [];
  const connections = new WeakMap<object, number>();
  let made = 0;
  const ca = Object.values(clients).map(({ cert }) => cert);
  const server = createServer({ ...own, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const socket = request.socket as TLSSocket;
    const raw = socket.getPeerCertificate().raw as Buffer | undefined;
    const who = Object.entries(clients).find(([, { cert }]) => raw && der(cert).equals(raw))?.[0] ?? 'nobody';
    if (!connections.has(socket)) connections.set(socket, ++made);
    const path = request.url ?? '';
    calls.push({ path, who, connection: connections.get(socket) as number });
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    request.resume().on('end', () => {
      if (who === 'nobody') return answer(401, { error: 'no certificate that is known' });
      if (path === '/token')
        return answer(200, { access_token: tokenOf(who), token_type: 'bearer', expires_in: 3_600 });
      const { authorization } = request.headers;
      if (authorization !== undefined && authorization !== `Bearer ${tokenOf(who)}`)
        return answer(401, { error: 'the token of somebody else' });
      return answer(200, { rows: [{ id: who }] });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    ca: own.cert,
    calls,
    stop: () => closed(server),
  };
}

function tokenOf(who: string): string {
  return `at-of-${who}-0123456789`;
}

function der(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
