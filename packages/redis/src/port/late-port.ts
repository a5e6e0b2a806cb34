import type { RedisPort } from './redis-port.js';

/** A port that is still being opened: out of reach until then. */
export function latePort(opening: Promise<RedisPort>): RedisPort {
  let port: RedisPort | undefined;
  const listeners = new Map<(up: boolean) => void, () => void>();
  let closed = false;
  let failure: unknown;
  opening.then(
    (opened) => {
      port = opened;
      if (closed) return void opened.close();
      for (const listener of listeners.keys()) listeners.set(listener, opened.onChange(listener));
      if (opened.isUp()) for (const listener of listeners.keys()) listener(true);
      return undefined;
    },
    (error: unknown) => void (failure = error),
  );
  const opened = (): Promise<RedisPort> => (port === undefined ? opening : Promise.resolve(port));
  return {
    evalSha: async (digest, keys, args) => (port ?? (await opened())).evalSha(digest, keys, args),
    load: async (script) => (await opened()).load(script),
    command: async (name, ...args) => (await opened()).command(name, ...args),
    isUp: () => port?.isUp() ?? false,
    trouble: () => failure ?? port?.trouble?.(),
    onChange(listener) {
      listeners.set(listener, port?.onChange(listener) ?? (() => undefined));
      return () => {
        listeners.get(listener)?.();
        listeners.delete(listener);
      };
    },
    async close() {
      closed = true;
      await port?.close();
    },
  };
}
