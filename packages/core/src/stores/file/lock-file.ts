import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { FairleadError } from '../../errors.js';
import { codeOf, type FileSystem } from './file-system.js';
import { fateOf, ownIdentity, type ProcessIdentity } from './process-identity.js';

const NAME = 'lock';

interface Holder extends ProcessIdentity {
  /** Tells two locks of one process apart. */
  readonly token: string;
}

/**
 * One writer a directory. A dead process's lock is taken over under a second lock that bears the first one's token: only
 * who holds that may replace it, so that of many who find it at once one wins.
 */
export class LockFile {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #own: Holder;

  private constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
    this.#own = { ...ownIdentity(), token: randomBytes(8).toString('hex') };
  }

  /** Takes the lock, or throws an error that names its holder. */
  static async take(files: FileSystem, directory: string): Promise<LockFile> {
    const lock = new LockFile(files, directory);
    await lock.#take(join(directory, NAME));
    return lock;
  }

  /** Whether the lock is still ours: somebody may have removed the file. */
  async isOwn(): Promise<boolean> {
    return (await this.#read(this.#path))?.token === this.#own.token;
  }

  async release(): Promise<void> {
    if (await this.isOwn()) await this.#files.remove(this.#path);
  }

  get #path(): string {
    return join(this.#directory, NAME);
  }

  async #take(path: string): Promise<void> {
    if (await this.#create(path)) return;
    const text = await this.#files.readText(path);
    // Given back at this very moment.
    if (text === undefined) return this.#take(path);
    const holder = holderOf(text);
    if (holder === undefined) throw busyError(this.#directory, `whoever left ${path}, which cannot be read`);
    this.#refuseLive(holder);
    const right = join(this.#directory, `${NAME}.${holder.token}`);
    await this.#take(right);
    try {
      const now = await this.#read(path);
      if (now?.token !== holder.token) throw busyError(this.#directory, `process ${now?.pid ?? 'unknown'}`);
      await this.#files.createWhole(path, JSON.stringify(this.#own), 'replace');
    } finally {
      await this.#files.remove(right);
    }
  }

  async #create(path: string): Promise<boolean> {
    try {
      await this.#files.createWhole(path, JSON.stringify(this.#own));
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  #refuseLive(holder: Holder): void {
    const fate = fateOf(holder, this.#own);
    if (fate === 'gone') return;
    const where =
      fate === 'foreign' ? ' of another container or host; if it is gone for good, remove its lock file' : '';
    throw busyError(this.#directory, `process ${holder.pid}${where}`);
  }

  async #read(path: string): Promise<Holder | undefined> {
    return holderOf(await this.#files.readText(path));
  }
}

function busyError(directory: string, who: string): FairleadError {
  const advice = 'give each process a directory of its own, or share one pool through the Redis store';
  return new FairleadError('STORE_BUSY', `${directory} is in use by ${who}; ${advice}`);
}

function holderOf(text: string | undefined): Holder | undefined {
  try {
    const { pid, namespace, boot, started, token } = JSON.parse(text ?? '') as Holder;
    const named = Number.isInteger(pid) && /^[0-9a-f]{16}$/.test(token);
    return named ? { pid, namespace, boot, started, token } : undefined;
  } catch {
    return undefined;
  }
}
