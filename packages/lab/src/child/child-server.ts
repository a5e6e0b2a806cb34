import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { certificates } from '../net/certificates.js';
import type { ChildGreeting, ChildOrder, ChildQuestion, ChildTally } from './order.js';

export type { ChildOrder, ChildTally } from './order.js';

/** A lab server in a process of its own, so that a benchmark does not measure it. */
export interface ChildServer extends ChildGreeting {
  readonly pid: number;
  tally(): Promise<ChildTally>;
  /** Resolves once no client is connected. */
  idle(): Promise<void>;
  /** Ends the process; a child also ends by itself when its parent does. */
  stop(): Promise<void>;
}

// From src and from dist alike this is the built file: Node runs no TypeScript.
const ENTRY = fileURLToPath(new URL('../../dist/child/main.js', import.meta.url));

/** Starts a lab server in a child process. The package must have been built. */
export async function startInChild(order: ChildOrder): Promise<ChildServer> {
  // The parent may run with flags of a test runner; they are none of the child's business.
  const child = fork(ENTRY, [JSON.stringify(order)], {
    execArgv: [],
    // One authority for the parent and all its children, or nobody would know whom to trust.
    env: { ...process.env, FAIRLEAD_LAB_CERTIFICATES: JSON.stringify(certificates()) },
  });
  const exited = once(child, 'exit');
  const ended = exited.then(([code]) => {
    throw new Error(`the lab's child process ended with ${code}`);
  });
  // Waited for only while a question is open.
  ended.catch(() => undefined);
  const [greeting] = (await Promise.race([once(child, 'message'), ended])) as [ChildGreeting];
  const ask = questioner(child, ended);
  return {
    ...greeting,
    pid: child.pid ?? 0,
    tally: () => ask('tally'),
    idle: async () => void (await ask('idle')),
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

function questioner(child: ChildProcess, ended: Promise<never>): (question: ChildQuestion) => Promise<ChildTally> {
  const open = new Map<number, (tally: ChildTally) => void>();
  let last = 0;
  child.on('message', ({ id, answer }: { id: number; answer: ChildTally }) => {
    open.get(id)?.(answer);
    open.delete(id);
  });
  return (question) => {
    const id = ++last;
    const answered = new Promise<ChildTally>((resolve) => open.set(id, resolve));
    // Without a callback a child that is gone would be an uncaught error; its end rejects the race below.
    child.send({ id, question }, () => undefined);
    return Promise.race([answered, ended]);
  };
}
