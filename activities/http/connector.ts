/**
 * How connections are made: undici's way, but that what the other side says of TLS is not lost. In TLS 1.3 a client
 * certificate is refused after the handshake, by an alert with the connection's end right behind it. undici 7 reports
 * the end. Used by: `agents.ts`, for straight connections. Through a proxy undici makes the tunnel and what is in it,
 * and has no hook for it. There the end is all that is known.
 * @see RFC 8446 §4.4.2.4 and §6.2
 */
import { buildConnector } from 'undici';

export function createConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, callback) =>
    connect(target, (...made) => {
      const [, socket] = made;
      socket?.prependListener('error', (error: NodeJS.ErrnoException) => {
        // Destroyed by it, the socket ends with it and with nothing else.
        if (error.code?.startsWith('ERR_SSL_')) socket.destroy(error);
      });
      callback(...made);
    });
}
