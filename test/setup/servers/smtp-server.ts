/**
 * A mail server on loopback that speaks enough SMTP (RFC 5321) to take mail: EHLO, MAIL, RCPT, DATA, QUIT. It counts what
 * it has accepted, and can drop the connection right after accepting, or refuse for now.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface AcceptedMail {
  readonly from: string;
  readonly to: string;
  readonly messageId: string;
  readonly text: string;
}

/** `drop`: accepted, and the connection is gone before it is said · `busy`: 451 after DATA · `refuse`: 550 for RCPT. */
export type SmtpTrouble = 'drop' | 'busy' | 'refuse';

export interface SmtpServer {
  readonly port: number;
  readonly accepted: readonly AcceptedMail[];
  /** Mail in the mailboxes, by message id: a mailbox keeps the second copy of a message too. */
  byMessageId(): Record<string, number>;
  /** What the next mails meet, one each. */
  script(...troubles: SmtpTrouble[]): void;
  stop(): Promise<void>;
}

export async function startSmtpServer(): Promise<SmtpServer> {
  const accepted: AcceptedMail[] = [];
  const troubles: SmtpTrouble[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    speak(socket, troubles, accepted);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accepted,
    byMessageId: () => {
      const counts: Record<string, number> = {};
      for (const { messageId } of accepted) counts[messageId] = (counts[messageId] ?? 0) + 1;
      return counts;
    },
    script: (...list) => void troubles.push(...list),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function speak(socket: Socket, troubles: SmtpTrouble[], accepted: AcceptedMail[]): void {
  let from = '';
  let to = '';
  let received = '';
  let isData = false;
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const takeMail = (text: string): void => {
    const trouble = troubles[0] === 'refuse' ? undefined : troubles.shift();
    if (trouble === 'busy') return say('451 4.3.0 try again later');
    accepted.push({ from, to, text, messageId: /^message-id: *(.*)$/im.exec(text)?.[1]?.trim() ?? '' });
    if (trouble === 'drop') return void socket.destroy();
    say('250 2.0.0 accepted');
  };
  const obey = (line: string): void => {
    if (/^EHLO/i.test(line)) return say('250 mail.test');
    if (/^MAIL FROM:/i.test(line)) {
      from = line.slice(10).trim();
      return say('250 2.1.0 ok');
    }
    if (/^RCPT TO:/i.test(line)) {
      to = line.slice(8).trim();
      if (troubles[0] !== 'refuse') return say('250 2.1.5 ok');
      troubles.shift();
      return say('550 5.1.1 no such mailbox');
    }
    if (/^DATA/i.test(line)) {
      isData = true;
      return say('354 go on');
    }
    if (/^QUIT/i.test(line)) {
      say('221 bye');
      return void socket.end();
    }
    say('502 5.5.1 not here');
  };
  say('220 mail.test ready');
  socket.on('data', (chunk) => {
    received += chunk.toString();
    for (;;) {
      const end = isData ? '\r\n.\r\n' : '\r\n';
      const at = received.indexOf(end);
      if (at < 0) return;
      const part = received.slice(0, at);
      received = received.slice(at + end.length);
      if (isData) {
        isData = false;
        takeMail(part);
      } else obey(part);
    }
  });
}
