import type { RedisPort } from './redis-port.js';

/** What is used of a client of `redis`. */
export interface NodeRedisClient {
  readonly isReady: boolean;
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  evalSha(digest: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  scriptLoad(script: string): Promise<unknown>;
  sendCommand(words: string[]): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  destroy(): void;
}

export function nodeRedisPort(client: NodeRedisClient, own: boolean): RedisPort {
  let trouble: unknown;
  const silent = (error?: unknown): void => void (trouble = error);
  client.on('error', silent);
  // It tries again by itself; that it is not there yet shows in `isUp`.
  if (!client.isOpen) client.connect().catch(silent);
  return {
    evalSha: (digest, keys, args) => client.evalSha(digest, { keys: [...keys], arguments: [...args] }),
    load: async (script) => String(await client.scriptLoad(script)),
    command: (name, ...args) => client.sendCommand([name, ...args]),
    isUp: () => client.isReady,
    trouble: () => trouble,
    onChange(listener) {
      const up = (): void => listener(true);
      const down = (): void => listener(false);
      const downs = ['error', 'end', 'reconnecting'];
      client.on('ready', up);
      for (const event of downs) client.on(event, down);
      return () => {
        client.off('ready', up);
        for (const event of downs) client.off(event, down);
      };
    },
    async close() {
      if (own && client.isOpen) client.destroy();
    },
  };
}
