import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ContenderOrder } from './contender-child.js';
import type { Load } from './load.js';

/** The core that contenders take turns on; the servers have the others. */
const CLIENT_CORE = availableParallelism() - 1;
const canPin = CLIENT_CORE > 0 && spawnSync('taskset', ['--version']).error === undefined;

/** Keeps this process, and the servers that it starts, off the contenders' core. */
export function leaveClientCore(): void {
  if (canPin) spawnSync('taskset', ['-cp', `0-${CLIENT_CORE - 1}`, String(process.pid)]);
}

export interface ContenderProcess {
  load(requests: number): Promise<Load>;
  stop(): Promise<void>;
}

export async function startContender(order: ContenderOrder): Promise<ContenderProcess> {
  const node = [process.execPath, fileURLToPath(new URL('./contender-child.js', import.meta.url))];
  const [command = '', ...args] = canPin ? ['taskset', '-c', String(CLIENT_CORE), ...node] : node;
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const ended = exited.then(([code]) => {
    throw new Error(`a contender ended with ${code}`);
  });
  ended.catch(() => undefined);
  const ask = async (message: number | object): Promise<unknown> => {
    const answered = once(child, 'message');
    child.send(message);
    const [answer] = (await Promise.race([answered, ended])) as [unknown];
    return answer;
  };
  await ask(order);
  const stop = async (): Promise<void> => {
    child.disconnect();
    await exited;
  };
  return { load: (requests) => ask(requests) as Promise<Load>, stop };
}
