import { join } from 'node:path';
import { FairleadError } from '../../errors.js';
import type { Instant } from '../../ports/clock.js';
import type { OpenedRecords, Records, RecordsContext } from '../../ports/records.js';
import type { SoftRecord } from '../../ports/soft-record.js';
import { codeOf, type AppendFile, type FileSystem } from './file-system.js';
import { fileName, filesToRead, linesOf, listGenerations, recordsIn, type StateFile } from './generations.js';
import { LockFile } from './lock-file.js';
import { writeSnapshot } from './snapshot.js';
import { freshKey, knownKey, prepareDirectory, readKey, removeDrafts, writeKey } from './state-directory.js';

export interface FileRecordsOptions {
  readonly directory: string;
  readonly files: FileSystem;
  /** The journal is folded into a snapshot when it is longer than this and than the snapshot before it. */
  readonly rotateBytes: number;
  /** … or this long after the last one. */
  readonly rotateMs: number;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Soft state in a directory: a journal of what changed, folded into a snapshot from time to time. A disk that fails never
 * fails the pool: it goes on in memory, says so, and tries a fresh journal after a while.
 */
export class FileRecords implements Records {
  readonly #directory: string;
  readonly #files: FileSystem;
  readonly #options: FileRecordsOptions;
  #context: RecordsContext | undefined;
  #lock: LockFile | undefined;
  #journal: AppendFile | undefined;
  #generation = 0;
  #previous = 0;
  #bytes = 0;
  #snapshotBytes = 0;
  #rotatedAt: Instant = 0;
  #snapshot: Promise<void> | undefined;
  #retryAt: Instant = 0;
  #retryMs = FIRST_RETRY_MS;
  #broken = false;
  #key = '';
  /** The directory is known to be this store's: its key stands there. */
  #isSettled = false;
  #closed = false;
  /** One write after another. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: FileRecordsOptions) {
    this.#options = options;
    this.#directory = options.directory;
    this.#files = options.files;
  }

  async open(context: RecordsContext): Promise<OpenedRecords> {
    if (this.#context !== undefined) throw new FairleadError('STORE_BUSY', 'this store already serves another pool');
    this.#context = context;
    this.#rotatedAt = context.clock.now();
    let key = freshKey();
    let known: StateFile[] = [];
    try {
      await prepareDirectory(this.#files, this.#directory);
      // First of all: a directory that a newer program writes is not even locked.
      await listGenerations(this.#files, this.#directory);
      this.#lock = await LockFile.take(this.#files, this.#directory);
      await removeDrafts(this.#files, this.#directory);
      known = await listGenerations(this.#files, this.#directory);
      key = await readKey(this.#files, this.#directory);
      this.#isSettled = true;
    } catch (error) {
      if (!isDiskFault(error)) {
        await this.#giveBack();
        throw error;
      }
      this.#degrade(error);
      ({ known, key } = await this.#readOnly(key));
    }
    this.#key = key;
    this.#generation = Math.max(0, ...known.map(({ generation }) => generation));
    this.#previous = known.findLast(({ kind }) => kind === 'snapshot')?.generation ?? 0;
    return { key, saved: this.#saved(known) };
  }

  push(batch: readonly SoftRecord[]): Promise<boolean> {
    return this.#next(async () => {
      if (this.#closed || !(await this.#isWriting())) return false;
      const text = linesOf(batch);
      try {
        await this.#journal!.append(text);
        await this.#journal!.sync();
      } catch (error) {
        this.#degrade(error);
        return false;
      }
      this.#bytes += text.length;
      if (this.#isDue()) await this.#rotate();
      return true;
    });
  }

  close(): Promise<void> {
    return this.#next(async () => {
      if (this.#closed) return;
      this.#closed = true;
      await this.#snapshot;
      await this.#closeJournal();
      if (this.#lock === undefined) return;
      try {
        if (await this.#lock.isOwn()) {
          this.#generation += 1;
          await this.#fold(this.#generation);
        }
        await this.#lock.release();
      } catch (error) {
        this.#degrade(error);
      }
    });
  }

  /** Waits for the snapshot that is being written, if any. */
  async settled(): Promise<void> {
    await this.#next(async () => this.#snapshot);
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async *#saved(known: readonly StateFile[]): AsyncIterable<readonly SoftRecord[]> {
    try {
      for (const { name } of await filesToRead(this.#files, this.#directory, known)) {
        yield* recordsIn(this.#files, join(this.#directory, name), (lines) => this.#damaged(name, lines));
      }
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      this.#damaged(codeOf(error), 0);
    }
  }

  /** The disk takes nothing: what can be read is read all the same. */
  async #readOnly(fresh: string): Promise<{ known: StateFile[]; key: string }> {
    try {
      const known = await listGenerations(this.#files, this.#directory);
      return { known, key: (await knownKey(this.#files, this.#directory)) ?? fresh };
    } catch (error) {
      if (error instanceof FairleadError) throw error;
      return { known: [], key: fresh };
    }
  }

  async #giveBack(): Promise<void> {
    this.#context = undefined;
    try {
      await this.#lock?.release();
    } catch {
      // The error that stopped us is the one to tell.
    }
  }

  /** True with a journal to write to: the one there is, the first, or a fresh one after a fault. */
  async #isWriting(): Promise<boolean> {
    const { clock, report } = this.#context!;
    if (clock.now() < this.#retryAt) return false;
    try {
      if (this.#lock === undefined || !this.#isSettled) await this.#settle();
      if (!(await this.#lock!.isOwn())) {
        // The next time it is taken anew, or names who has it now.
        this.#lock = undefined;
        throw new FairleadError('STORE_BUSY', 'its lock was taken away');
      }
      if (this.#journal !== undefined) return true;
      const missed = this.#broken;
      await this.#openJournal();
      // What happened while nothing could be written is in no journal: a snapshot has it.
      if (missed) await this.#rotate();
    } catch (error) {
      this.#degrade(error);
      return false;
    }
    if (this.#broken) report({ state: 'working', why: 'the disk takes writes again' });
    this.#broken = false;
    this.#retryMs = FIRST_RETRY_MS;
    return true;
  }

  /** After a fault, or without the lock: whatever is in the directory by now, it has to be this store's own. */
  async #settle(): Promise<void> {
    this.#isSettled = false;
    if (this.#lock === undefined) {
      await prepareDirectory(this.#files, this.#directory);
      this.#lock = await LockFile.take(this.#files, this.#directory);
    }
    const key = await knownKey(this.#files, this.#directory);
    if (key !== undefined && key !== this.#key) {
      await this.#lock.release();
      this.#lock = undefined;
      throw new FairleadError('STORE_BUSY', 'another process has made it its own meanwhile');
    }
    if (key === undefined) await writeKey(this.#files, this.#directory, this.#key);
    const known = await listGenerations(this.#files, this.#directory);
    this.#generation = Math.max(this.#generation, ...known.map(({ generation }) => generation));
    this.#isSettled = true;
  }

  async #openJournal(): Promise<void> {
    this.#generation += 1;
    this.#journal = await this.#files.create(join(this.#directory, fileName('journal', this.#generation)));
    await this.#files.syncDirectory(this.#directory);
  }

  async #closeJournal(): Promise<void> {
    const journal = this.#journal;
    this.#journal = undefined;
    await journal?.close().catch(() => undefined);
  }

  #isDue(): boolean {
    if (this.#snapshot !== undefined) return false;
    const { rotateBytes, rotateMs } = this.#options;
    const longest = Math.max(rotateBytes, this.#snapshotBytes);
    return this.#bytes >= longest || this.#context!.clock.now() - this.#rotatedAt >= rotateMs;
  }

  /** A fresh journal from now on; the snapshot of what was before is written beside it. */
  async #rotate(): Promise<void> {
    if (this.#snapshot !== undefined) return;
    this.#rotatedAt = this.#context!.clock.now();
    try {
      await this.#closeJournal();
      await this.#openJournal();
    } catch (error) {
      return this.#degrade(error);
    }
    this.#bytes = 0;
    this.#snapshot = this.#fold(this.#generation)
      .catch((error: unknown) => this.#context!.report({ state: 'degraded', why: `no snapshot: ${codeOf(error)}` }))
      .finally(() => (this.#snapshot = undefined));
  }

  async #fold(generation: number): Promise<void> {
    const { clock } = this.#context!;
    this.#snapshotBytes = await writeSnapshot(this.#files, this.#directory, generation, this.#context!.image(), clock);
    const oldest = this.#previous;
    this.#previous = generation;
    // The snapshot before this one stays, with its journals: should this one be damaged, little is lost.
    for (const file of await listGenerations(this.#files, this.#directory)) {
      if (file.generation < oldest) await this.#files.remove(join(this.#directory, file.name));
    }
  }

  /** After a failed write nothing can be said of the file: it is never written to again. */
  #degrade(error: unknown): void {
    const { clock, report } = this.#context!;
    void this.#closeJournal();
    this.#broken = true;
    this.#retryAt = clock.now() + this.#retryMs;
    this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
    const why = error instanceof FairleadError ? error.message : codeOf(error);
    report({ state: 'degraded', why });
  }

  #damaged(what: string, lines: number): void {
    this.#context!.report({ state: 'damaged', why: `${what}: ${lines} lines left out` });
  }
}

/** What a disk does when it is full, broken or not to be written: no reason to stop a pool. */
function isDiskFault(error: unknown): boolean {
  return ['ENOSPC', 'EIO', 'EROFS', 'EDQUOT', 'EMFILE', 'ENFILE'].includes(codeOf(error));
}
