import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  unlink,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';

/** A file that is only ever appended to. */
export interface AppendFile {
  append(text: string): Promise<void>;
  /** Resolves once what was appended would survive a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What is known of a path. */
export interface PathInfo {
  readonly kind: 'directory' | 'file' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
}

/** The one way the file store touches the disk, so that tests can make it fail. */
export interface FileSystem {
  /** Makes the directory and its parents, readable by nobody else. */
  makeDirectory(path: string): Promise<void>;
  /** Undefined where there is nothing. Does not follow a link. */
  info(path: string): Promise<PathInfo | undefined>;
  list(path: string): Promise<string[]>;
  /** Makes a file that was not there, readable by nobody else. */
  create(path: string): Promise<AppendFile>;
  /** Makes a file that was not there, its content in it from the start; `replace` puts it in another's place. */
  createWhole(path: string, text: string, how?: 'replace'): Promise<void>;
  read(path: string): AsyncIterable<Uint8Array>;
  /** Undefined where there is nothing. */
  readText(path: string): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** Bytes read at once: a few milliseconds' worth of lines. */
const CHUNK = 128 * 1024;

export const nodeFileSystem: FileSystem = Object.freeze({
  async makeDirectory(path: string) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  async info(path: string): Promise<PathInfo | undefined> {
    const found = await unlessMissing(lstat(path));
    if (found === undefined) return undefined;
    const kind = found.isDirectory() ? 'directory' : found.isFile() ? 'file' : 'other';
    return { kind, mode: found.mode & 0o777, uid: found.uid };
  },
  list: (path: string) => readdir(path),
  async create(path: string) {
    return appendFile(await open(path, 'ax', 0o600));
  },
  async createWhole(path: string, text: string, how?: 'replace') {
    const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    // Durable before it has its name: an empty lock after a loss of power would bar the directory for good.
    await writeFile(draft, text, { flag: 'wx', mode: 0o600, flush: true });
    // A link fails where the name is taken, a rename does not.
    if (how === 'replace') return rename(draft, path);
    await link(draft, path).finally(() => unlink(draft));
  },
  read: (path: string) => createReadStream(path, { highWaterMark: CHUNK }),
  readText: (path: string) => unlessMissing(readFile(path, 'utf8')),
  rename: (from: string, to: string) => rename(from, to),
  async remove(path: string) {
    await unlessMissing(unlink(path));
  },
  async syncDirectory(path: string) {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
  },
});

function appendFile(handle: FileHandle): AppendFile {
  return {
    append: (text) => handle.appendFile(text),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function codeOf(error: unknown): string {
  const { code, name }: { code?: unknown; name?: unknown } = Object(error);
  return typeof code === 'string' ? code : String(name);
}
