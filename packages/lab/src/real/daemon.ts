import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How to run a server in the foreground on the port it is given. */
export interface DaemonPlan {
  readonly command: string;
  /** @default a free one */
  readonly port?: number;
  /** Writes what configuration it needs into the directory, and returns the arguments. */
  readonly prepare: (place: DaemonPlace) => Promise<readonly string[]> | readonly string[];
}

export interface DaemonPlace {
  readonly host: string;
  readonly port: number;
  /** Empty, removed on stop, and open to any user: servers that start as root write as somebody else. */
  readonly directory: string;
}

/** A server in a process group of its own. */
export interface Daemon extends DaemonPlace {
  readonly pid: number;
  /** What it has written to its output so far. */
  output(): string;
  /** Ends it and its helpers and removes its directory. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Milliseconds. Squid needs about one second on a busy machine. */
const START_DEADLINE = 20_000;
const STOP_DEADLINE = 5_000;

/** Starts a server and resolves once its port accepts connections. */
export async function startDaemon(plan: DaemonPlan): Promise<Daemon> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryStart(plan);
    } catch (error) {
      // Between our finding a free port and its binding it, somebody else may take the port.
      if (attempt === 3) throw error;
    }
  }
}

async function tryStart(plan: DaemonPlan): Promise<Daemon> {
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-lab-'));
  await chmod(directory, 0o777);
  const place: DaemonPlace = { host: HOST, port: plan.port ?? (await freePort()), directory };
  const args = await plan.prepare(place);
  // A group of its own, so that its helpers end with it and nothing else does.
  const child = spawn(plan.command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const gather = (chunk: Buffer) => void (output = (output + chunk.toString()).slice(-10_000));
  child.stdout.on('data', gather);
  child.stderr.on('data', gather);
  const orphaned = () => signal(child, 'SIGKILL');
  process.once('exit', orphaned);
  const stop = async () => {
    process.off('exit', orphaned);
    await end(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await accepting(place, child);
  } catch (error) {
    await stop();
    throw new Error(`${plan.command} did not start: ${(error as Error).message}\n${output}`, { cause: error });
  }
  return { ...place, pid: child.pid ?? 0, output: () => output, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function accepting(place: DaemonPlace, child: ChildProcess): Promise<void> {
  let gone: Error | undefined;
  child.once('error', (error) => (gone = error));
  child.once('exit', (code, by) => (gone = new Error(`it ended with ${code ?? by}`)));
  const deadline = performance.now() + START_DEADLINE;
  while (!(await accepts(place))) {
    if (gone) throw gone;
    if (performance.now() > deadline) throw new Error(`port ${place.port} accepts nothing`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts({ host, port }: DaemonPlace): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ host, port });
    probe.once('error', () => resolve(false));
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  const running = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  if (!running) return;
  const ended = once(child, 'exit');
  signal(child, 'SIGTERM');
  const impatience = setTimeout(() => signal(child, 'SIGKILL'), STOP_DEADLINE);
  await ended;
  clearTimeout(impatience);
  // Helpers that outlived their server.
  signal(child, 'SIGKILL');
}

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // The group is gone already.
  }
}
