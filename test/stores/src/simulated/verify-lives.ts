// `npm run verify:lives -- --lives=1000000 --json`: simulated lives of four workers, over as many processes as there are cores.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { live, type Lives } from './lives.js';

const SHARE = 500;
const numberOf = (name: string, usual: number): number =>
  Number(process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? usual);

if (process.send === undefined) await lead();
else
  process.on(
    'message',
    ([first, count]: [number, number]) => void live(first, count).then((lives) => process.send!(lives)),
  );

/** Hands out shares until all are done. */
async function lead(): Promise<void> {
  const wanted = numberOf('lives', 2_000);
  const first = numberOf('first', 1);
  let given = 0;
  let total: Lives | undefined;
  const work = async (): Promise<void> => {
    const child = fork(new URL('../main.js', import.meta.url), ['verify-lives']);
    while (given < wanted) {
      const count = Math.min(SHARE, wanted - given);
      child.send([first + given, count]);
      given += count;
      const answer = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => undefined)]);
      if (answer === undefined) throw new Error('a process of the simulation has ended');
      total = added(total, answer[0] as Lives);
      process.stderr.write(`${total.lives} lives, ${total.broken} broken\n`);
    }
    child.kill();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  process.stdout.write(`${JSON.stringify(total)}\n`);
  process.exit(total?.broken === 0 ? 0 : 1);
}

function added(one: Lives | undefined, other: Lives): Lives {
  if (one === undefined) return other;
  const names = [
    'lives',
    'events',
    'grants',
    'wipes',
    'freezes',
    'lostReplies',
    'crashes',
    'outages',
    'broken',
  ] as const;
  const sums = Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as Record<
    (typeof names)[number],
    number
  >;
  const fewestEvents = Math.min(one.fewestEvents, other.fewestEvents);
  return { ...sums, fewestEvents, first: [...one.first, ...other.first].slice(0, 5) };
}
