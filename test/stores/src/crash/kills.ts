import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { LastWrites } from './ledger-of-writes.js';
import { openStore } from './reading.js';

export interface KillReport {
  readonly kills: number;
  readonly acknowledged: number;
  readonly acknowledgedLost: number;
  readonly corruptAccepted: number;
}

/** Kills one writer after another at a moment of its work, and looks what the directory has after each. */
export async function killCycles(cycles: number, dir: string, random: () => number): Promise<KillReport> {
  const acknowledged = new LastWrites();
  let next = 0;
  let count = 0;
  let lost = 0;
  let corrupt = 0;
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const seen = await killedAfter(startWriter(dir, next), 1 + Math.floor(random() * 60));
    for (const last of seen) {
      for (; next <= last; next += 1) acknowledged.note(next);
    }
    count += seen.length;
    // Beyond the last that was acknowledged a few more may have been written.
    next += 100;
    const { writes, corrupt: strange, records } = await openStore({ dir });
    lost += acknowledged.lost(writes);
    corrupt += strange;
    await records.close();
  }
  return { kills: cycles, acknowledged: count, acknowledgedLost: lost, corruptAccepted: corrupt };
}

/** How many of several processes that start at once on the lock of a dead one get the directory. */
export async function racedStarts(processes: number, dir: string): Promise<number> {
  const dead = startWriter(dir, 0);
  await killedAfter(dead, 1);
  const children = Array.from({ length: processes }, () => startWriter(dir, 0));
  const first = await Promise.all(children.map((child) => firstLine(child)));
  const ended = children.map((child) => (child.exitCode === null ? once(child, 'close') : undefined));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(ended);
  return first.filter((line) => line === 'open').length;
}

function startWriter(dir: string, first: number): ChildProcess {
  const main = new URL('../main.js', import.meta.url).pathname;
  return spawn(process.execPath, [main, 'crash-writer', dir, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Kills the writer once it has said so many lines; answers the numbers it acknowledged, those up to its end included. */
async function killedAfter(child: ChildProcess, lines: number): Promise<number[]> {
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > lines) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const whole = text.slice(0, text.lastIndexOf('\n')).split('\n');
  if (whole[0] !== 'open') throw new Error(`a writer said '${whole[0]}'`);
  return whole.slice(1).map(Number);
}

/** The first line the child says, or nothing when it ends without one. */
async function firstLine(child: ChildProcess): Promise<string | undefined> {
  let text = '';
  const said = new Promise<void>((resolve) => {
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve();
    });
  });
  await Promise.race([said, once(child, 'close')]);
  return text.split('\n')[0];
}
