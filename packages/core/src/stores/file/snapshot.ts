import { join } from 'node:path';
import type { Clock } from '../../ports/clock.js';
import type { SoftRecord } from '../../ports/soft-record.js';
import type { FileSystem } from './file-system.js';
import { framed } from './frame.js';
import { endLine, fileName } from './generations.js';
import { encode } from './schema.js';

/** Longest stretch of work between two turns of the event loop. */
const SLICE_MS = 5;
/** Lines between two looks at the clock. */
const LOOK = 64;

/** Writes all that is worth keeping, in slices between which everything else goes on; whole or not at all. */
export async function writeSnapshot(
  files: FileSystem,
  directory: string,
  generation: number,
  image: Iterable<SoftRecord>,
  clock: Clock,
): Promise<number> {
  const name = fileName('snapshot', generation);
  const draft = join(directory, `${name}.tmp`);
  await files.remove(draft);
  const file = await files.create(draft);
  let bytes = 0;
  try {
    let lines = 0;
    const iterator = image[Symbol.iterator]();
    for (let done = false; !done;) {
      const slice = nextSlice(iterator, clock);
      ({ done } = slice);
      lines += slice.lines;
      bytes += slice.text.length;
      await file.append(done ? slice.text + endLine(lines) : slice.text);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(draft, join(directory, name));
  await files.syncDirectory(directory);
  return bytes;
}

function nextSlice(iterator: Iterator<SoftRecord>, clock: Clock): { text: string; lines: number; done: boolean } {
  const until = clock.now() + SLICE_MS;
  let text = '';
  for (let lines = 0; ;) {
    const { value, done } = iterator.next();
    if (done === true) return { text, lines, done };
    const payload = encode(value);
    if (payload === undefined) continue;
    text += framed(payload);
    lines += 1;
    if (lines % LOOK === 0 && clock.now() >= until) return { text, lines, done: false };
  }
}
