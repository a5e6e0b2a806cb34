import type { RedisPort } from './redis-port.js';

/** What is used of a client of `ioredis`. */
export interface IoredisClient {
  readonly status: string;
  evalsha(digest: string, keys: number, ...args: string[]): Promise<unknown>;
  script(how: 'LOAD', script: string): Promise<unknown>;
  call(name: string, ...args: string[]): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  disconnect(): void;
}

export function ioredisPort(client: IoredisClient, own: boolean): RedisPort {
  let trouble: unknown;
  const silent = (error?: unknown): void => void (trouble = error);
  client.on('error', silent);
  return {
    evalSha: (digest, keys, args) => client.evalsha(digest, keys.length, ...keys, ...args),
    load: async (script) => String(await client.script('LOAD', script)),
    command: (name, ...args) => client.call(name, ...args),
    isUp: () => client.status === 'ready',
    trouble: () => trouble,
    onChange(listener) {
      const up = (): void => listener(true);
      const down = (): void => listener(false);
      client.on('ready', up);
      client.on('close', down);
      return () => {
        client.off('ready', up);
        client.off('close', down);
      };
    },
    async close() {
      client.off('error', silent);
      if (!own) return;
      client.on('error', silent);
      client.disconnect();
    },
  };
}
