import { join } from 'node:path';
import { ConfigurationError } from '../../errors.js';
import type { SoftRecord } from '../../ports/soft-record.js';
import type { FileSystem } from './file-system.js';
import { encode, decode, SCHEMA_VERSION } from './schema.js';
import { FrameReader, framed } from './frame.js';

/** A file of the state directory. */
export interface StateFile {
  readonly name: string;
  readonly kind: 'journal' | 'snapshot';
  readonly generation: number;
}

const PATTERN = /^(journal|snapshot)\.(\d{12})\.v(\d+)\.ndjson$/;

export function fileName(kind: StateFile['kind'], generation: number): string {
  return `${kind}.${String(generation).padStart(12, '0')}.v${SCHEMA_VERSION}.ndjson`;
}

/** The state files of a directory, oldest first. Throws where a newer program has written: we would lose what it knows. */
export async function listGenerations(files: FileSystem, directory: string): Promise<StateFile[]> {
  const found: StateFile[] = [];
  for (const name of await files.list(directory)) {
    const [, kind, generation, version] = PATTERN.exec(name) ?? [];
    if (kind === undefined) continue;
    if (Number(version) > SCHEMA_VERSION) throw newerError(directory, Number(version));
    found.push({ name, kind: kind as StateFile['kind'], generation: Number(generation) });
  }
  return found.sort(
    (a, b) => a.generation - b.generation || Number(a.kind === 'journal') - Number(b.kind === 'journal'),
  );
}

/**
 * The files to read, in order: the newest whole snapshot and every journal from its time on. A damaged snapshot is read
 * over the whole one before it, since each of its lines that is whole is newer.
 */
export async function filesToRead(
  files: FileSystem,
  directory: string,
  known: readonly StateFile[],
): Promise<StateFile[]> {
  let from = Number.NEGATIVE_INFINITY;
  for (const file of known.toReversed()) {
    if (file.kind === 'journal' || !(await isWhole(files, join(directory, file.name)))) continue;
    from = file.generation;
    break;
  }
  return known.filter(({ generation }) => generation >= from);
}

/** The last line of a snapshot: without it the writing was cut short. */
export function endLine(lines: number): string {
  return framed(JSON.stringify(['end', lines]));
}

async function isWhole(files: FileSystem, path: string): Promise<boolean> {
  const reader = new FrameReader();
  let lines = 0;
  let ended = false;
  for await (const chunk of files.read(path)) {
    reader.read(chunk, (payload) => {
      ended = payload === `["end",${lines}]`;
      lines += 1;
      return true;
    });
  }
  return ended && reader.damaged === 0;
}

/** The records of one file, in portions; `damaged` hears how many lines were not what had been written. */
export async function* recordsIn(
  files: FileSystem,
  path: string,
  damaged: (lines: number) => void,
): AsyncIterable<readonly SoftRecord[]> {
  const reader = new FrameReader();
  for await (const chunk of files.read(path)) {
    const portion: SoftRecord[] = [];
    reader.read(chunk, (payload) => {
      const record = decode(payload);
      if (record !== undefined) portion.push(record);
      return record !== undefined || payload.startsWith('["end",');
    });
    yield portion;
  }
  if (reader.damaged > 0) damaged(reader.damaged);
}

/** The lines of records, as one text. */
export function linesOf(records: Iterable<SoftRecord>): string {
  let text = '';
  for (const record of records) {
    const payload = encode(record);
    if (payload !== undefined) text += framed(payload);
  }
  return text;
}

function newerError(directory: string, version: number): ConfigurationError {
  const problem = `${directory} was written by a newer version (state v${version}, this one reads v${SCHEMA_VERSION})`;
  return new ConfigurationError('STORE_UNUSABLE', 'fileStore.dir', `${problem}; it is left as it is`);
}
