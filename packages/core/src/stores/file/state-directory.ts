import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ConfigurationError } from '../../errors.js';
import { codeOf, type FileSystem } from './file-system.js';

const KEY = 'key';
/** Bits that let anybody but the owner in. */
const OTHERS = 0o077;
/** What is read and written here. */
const OURS = /^(key|lock(\.[0-9a-f]{16})?|(journal|snapshot)\.\d{12}\.v\d+\.ndjson)$/;
const DRAFT = /^(key|lock(\.[0-9a-f]{16})?|snapshot\.\d{12}\.v\d+\.ndjson)(\.[0-9a-f]{12})?\.tmp$/;

/** Makes the directory, and refuses one that others can read or that is somebody else's. */
export async function prepareDirectory(files: FileSystem, directory: string): Promise<void> {
  await files.makeDirectory(directory);
  await checkPrivate(files, directory, 'directory');
  for (const name of await files.list(directory)) {
    if (OURS.test(name)) await checkPrivate(files, join(directory, name), 'file');
  }
}

/** Removes what a crash left half-written. Only the holder of the lock may. */
export async function removeDrafts(files: FileSystem, directory: string): Promise<void> {
  for (const name of await files.list(directory)) if (DRAFT.test(name)) await files.remove(join(directory, name));
}

/** The key that names of endpoints are hashed with: made at the first start, the same ever after. */
export async function readKey(files: FileSystem, directory: string): Promise<string> {
  const known = await knownKey(files, directory);
  if (known !== undefined) return known;
  const key = freshKey();
  await writeKey(files, directory, key);
  return key;
}

/** The key that stands there, if it can be read. */
export async function knownKey(files: FileSystem, directory: string): Promise<string | undefined> {
  const known = await files.readText(join(directory, KEY));
  return known !== undefined && /^[0-9a-f]{64}$/.test(known) ? known : undefined;
}

export function freshKey(): string {
  return randomBytes(32).toString('hex');
}

/** In place of one that cannot be read: that names nothing any more, and what was kept under it will age as orphans. */
export async function writeKey(files: FileSystem, directory: string, key: string): Promise<void> {
  await files.createWhole(join(directory, KEY), key, 'replace');
}

async function checkPrivate(files: FileSystem, path: string, kind: 'directory' | 'file'): Promise<void> {
  let found;
  try {
    found = await files.info(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  // Others' lock files come and go while we look.
  if (found === undefined) return;
  if (found.kind !== kind) throw unusable(`${path} is no ${kind}`);
  if ((found.mode & OTHERS) !== 0) throw unusable(`${path} can be read by others; chmod go-rwx makes it private`);
  const self = process.getuid?.();
  if (self !== undefined && found.uid !== self) throw unusable(`${path} belongs to another user`);
}

function unusable(problem: string): ConfigurationError {
  return new ConfigurationError('STORE_UNUSABLE', 'fileStore.dir', problem);
}
