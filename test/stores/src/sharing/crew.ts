import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { WhenDown } from '@fairlead/redis';
import type { WorkerLog } from './checker.js';
import { ENDPOINTS, LIMIT, PACE_MS, TTL_MS, type WorkerOrder } from './order.js';

/** A worker process, how many grants it has counted, and its log. */
interface Member {
  readonly child: ChildProcess;
  readonly log: WorkerLog;
  grants: number;
  readonly ready: Promise<unknown>;
  readonly resting: Promise<unknown>;
}

/** The processes of one cell. */
export class Crew {
  readonly #members: Member[] = [];

  get logs(): readonly WorkerLog[] {
    return this.#members.map(({ log }) => log);
  }

  get grants(): number {
    return this.#members.reduce((sum, { grants }) => sum + grants, 0);
  }

  join(port: number, pool: string, whenDown: WhenDown, folder: string): void {
    const path = join(folder, `${pool}-${this.#members.length}.log`);
    const limits = { endpoints: ENDPOINTS, limit: LIMIT, paceMs: PACE_MS, leaseTtlMs: TTL_MS };
    const order: WorkerOrder = { port, pool, log: path, callers: 8, whenDown, ...limits };
    const main = new URL('../main.js', import.meta.url).pathname;
    const child = spawn(process.execPath, [main, 'sharing-worker', JSON.stringify(order)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let isReady = (): void => undefined;
    const ready = new Promise<void>((resolve) => (isReady = resolve));
    let isResting = (): void => undefined;
    const resting = new Promise<void>((resolve) => (isResting = resolve));
    const gone = once(child, 'exit');
    const states = { ready: Promise.race([ready, gone]), resting: Promise.race([resting, gone]) };
    const member: Member = { child, log: { path }, grants: 0, ...states };
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (line === 'ready') isReady();
        else if (line === 'resting') isResting();
        else if (line.startsWith('n ')) member.grants = Number(line.slice(2));
      }
    });
    this.#members.push(member);
  }

  async ready(): Promise<void> {
    await Promise.all(this.#members.map(({ ready }) => ready));
  }

  kill(index: number): void {
    const { child, log } = this.#members[index]!;
    child.kill('SIGKILL');
    log.killedAt = monotonic();
  }

  freeze(index: number): void {
    this.#members[index]!.child.kill('SIGSTOP');
  }

  thaw(index: number): void {
    this.#members[index]!.child.kill('SIGCONT');
  }

  /** Nobody uses anything any more, and everybody stays. */
  async rest(): Promise<void> {
    for (const { child } of this.#members) child.kill('SIGUSR2');
    await Promise.all(this.#members.map(({ resting }) => resting));
  }

  /** Lets everyone finish what they are at. */
  async stop(): Promise<void> {
    const ends = this.#members.map(async ({ child }) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const impatience = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(impatience);
    });
    await Promise.all(ends);
  }
}

/** The clock that the workers write down, in milliseconds. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
