import { faults, startFault } from '../faults/fault-server.js';
import type { FaultName } from '../faults/fault-server.js';
import { adoptCertificates } from '../net/certificates.js';
import type { Certificates } from '../net/certificates.js';
import type { LabServer } from '../net/listener.js';
import { startHttpProxy } from '../proxies/http-proxy.js';
import { startSocksProxy } from '../proxies/socks-proxy.js';
import { startTarget } from '../targets/target.js';
import type { Target } from '../targets/target.js';
import type { ChildGreeting, ChildOrder, ChildQuestion, ChildTally } from './order.js';

// The entry of a child process. Its one argument is the order, and it ends when its parent does.

interface Served extends LabServer {
  readonly requests: readonly unknown[];
  readonly handshakes?: Target['handshakes'];
}

function start(order: ChildOrder): Promise<Served> {
  switch (order.kind) {
    case 'http-proxy':
      return startHttpProxy(order.options);
    case 'socks-proxy':
      return startSocksProxy(order.options);
    case 'target':
      return startTarget(order.options);
    case 'fault':
      return startFault(order.of, order.name as FaultName<keyof typeof faults>, order.options);
    default:
      return order satisfies never;
  }
}

function tally({ connections, requests, handshakes = { full: 0, resumed: 0 } }: Served): ChildTally {
  const { opened, open, bytesIn, bytesOut } = connections;
  return { opened, open, bytesIn, bytesOut, requests: requests.length, handshakes };
}

adoptCertificates(JSON.parse(process.env['FAIRLEAD_LAB_CERTIFICATES'] ?? '') as Certificates);
process.once('disconnect', () => process.exit(0));
const server = await start(JSON.parse(process.argv[2] ?? '') as ChildOrder);
process.on('message', async ({ id, question }: { id: number; question: ChildQuestion }) => {
  if (question === 'idle') await server.idle();
  process.send?.({ id, answer: tally(server) });
});
const { url, host, port } = server;
process.send?.({ url, host, port } satisfies ChildGreeting);
