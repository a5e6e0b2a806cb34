import { resolve } from 'node:path';
import { ConfigurationError } from '../../errors.js';
import { createLedger } from '../../ledger/ledger.js';
import { checkKeys, duration, integerAtLeast, ownOptions } from '../../option-check.js';
import type { LocalStore } from '../../ports/store.js';
import { FileRecords } from './file-records.js';
import { nodeFileSystem, type FileSystem } from './file-system.js';

export interface FileStoreOptions {
  /** The directory; made when it is not there, readable by its owner only, used by one process at a time. */
  readonly dir: string;
  /** The journal is folded into a snapshot once it is longer than this and than the last snapshot. @default 8_388_608 */
  readonly rotateBytes?: number;
  /** … or so long after the last one. @default 300_000 */
  readonly rotateMs?: number;
  /** @default the file system of Node */
  readonly files?: FileSystem;
}

/** The defaults of `FileStoreOptions`, in one place. */
export const FILE_STORE_DEFAULTS = Object.freeze({ rotateBytes: 8 * 1024 * 1024, rotateMs: 300_000 });

const KEYS: readonly string[] = ['dir', 'rotateBytes', 'rotateMs', 'files'] satisfies (keyof FileStoreOptions)[];

/**
 * Limits hold in this process; what was learned, cooldowns, blocks, suspensions, paces and sessions' exits are kept in a
 * directory and found again at the next start. Holds no credential. One pool a store.
 */
export function fileStore(options: FileStoreOptions): LocalStore {
  const own = ownOptions(options, 'fileStore');
  checkKeys(own, KEYS, 'fileStore');
  const { dir, rotateBytes, rotateMs } = { ...FILE_STORE_DEFAULTS, ...own };
  if (typeof dir !== 'string' || dir === '') {
    throw new ConfigurationError('INVALID_OPTION', 'fileStore.dir', 'must be the path of a directory');
  }
  integerAtLeast(rotateBytes, 1, 'fileStore.rotateBytes');
  duration(rotateMs, 'fileStore.rotateMs');
  const files = own.files ?? nodeFileSystem;
  const records = new FileRecords({ directory: resolve(dir), files, rotateBytes, rotateMs });
  return { name: 'file', ledger: createLedger(), records };
}
