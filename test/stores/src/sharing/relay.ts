import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What the network between workers and the server does. */
export type Weather = 'clear' | 'black hole' | 'reply lost' | 'slow';

const SLOW_MS = 300;

/** A relay on loopback that loses, delays and resets what it carries. */
export class Relay {
  weather: Weather = 'clear';
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly port: number;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(target: number): Promise<Relay> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const relay = new Relay(server, (server.address() as AddressInfo).port);
    server.on('connection', (socket) => relay.#carry(socket, target));
    return relay;
  }

  /** Ends every connection at once, without a word. */
  reset(): void {
    for (const [inner, outer] of this.#pairs) {
      inner.resetAndDestroy();
      outer.destroy();
    }
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.reset();
    await once(this.#server, 'close');
  }

  #carry(inner: Socket, target: number): void {
    const outer = connect({ host: '127.0.0.1', port: target, noDelay: true });
    const pair = [inner, outer] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      inner.destroy();
      outer.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    inner.on('data', (data) => {
      if (this.weather !== 'black hole') outer.write(data);
    });
    outer.on('data', (data) => {
      if (this.weather === 'clear') inner.write(data);
      else if (this.weather === 'slow') setTimeout(() => inner.writable && inner.write(data), SLOW_MS);
    });
  }
}
