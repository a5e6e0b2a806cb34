import type { AppendFile, FileSystem } from '@fairlead/core/file';
import type { Random } from '@fairlead/core';

/** A file as programs see it, and how much of it would survive a loss of power. */
interface Node {
  data: Buffer;
  durable: number;
}

type Names = Map<string, Node>;

/** A disk in memory that fails when told to, and that can lose its power: what was not synced may then be gone. */
export class MemoryDisk implements FileSystem {
  names: Names;
  /** The names that would survive, and what has been done to them since. */
  #durable: Names;
  #since: ((names: Names) => void)[] = [];
  /** Operations so far. */
  operations = 0;
  /** Fails these, by their number. */
  failing: (operation: number) => string | undefined = () => undefined;

  constructor(names: Names = new Map()) {
    this.names = names;
    this.#durable = new Map(names);
  }

  /** The disk as it would be found after its power was cut now. */
  afterPowerLoss(random: Random): MemoryDisk {
    const names = new Map(this.#durable);
    const kept = Math.floor(random() * (this.#since.length + 1));
    for (const change of this.#since.slice(0, kept)) change(names);
    const found: Names = new Map();
    for (const [path, { data, durable }] of names) {
      const length = durable + Math.floor(random() * (data.length - durable + 1));
      found.set(path, { data: Buffer.from(data.subarray(0, length)), durable: length });
    }
    return new MemoryDisk(found);
  }

  /** A disk with the same files, for tests that spoil one. */
  copy(): MemoryDisk {
    return new MemoryDisk(
      new Map([...this.names].map(([path, { data }]) => [path, { data: Buffer.from(data), durable: data.length }])),
    );
  }

  async makeDirectory(): Promise<void> {
    this.#operate();
  }

  async info(path: string): ReturnType<FileSystem['info']> {
    const uid = process.getuid?.() ?? 0;
    if (this.names.has(path)) return { kind: 'file', mode: 0o600, uid };
    // Directories are not kept: every one at the root is there.
    return path.lastIndexOf('/') === 0 ? { kind: 'directory', mode: 0o700, uid } : undefined;
  }

  async list(directory: string): Promise<string[]> {
    return [...this.names.keys()].map((path) => path.slice(directory.length + 1));
  }

  async create(path: string): Promise<AppendFile> {
    this.#operate();
    if (this.names.has(path)) throw failure('EEXIST');
    const node: Node = { data: Buffer.alloc(0), durable: 0 };
    this.#change((names) => names.set(path, node));
    return {
      append: async (text) => {
        const code = this.#codeNow();
        const bytes = Buffer.from(text);
        // A disk that fills up takes what it can.
        const taken = code === undefined ? bytes : bytes.subarray(0, bytes.length >> 1);
        node.data = Buffer.concat([node.data, taken]);
        if (code !== undefined) throw failure(code);
      },
      sync: async () => {
        this.#operate();
        node.durable = node.data.length;
      },
      close: async () => undefined,
    };
  }

  async createWhole(path: string, text: string, how?: 'replace'): Promise<void> {
    this.#operate();
    if (how !== 'replace' && this.names.has(path)) throw failure('EEXIST');
    const data = Buffer.from(text);
    this.#change((names) => names.set(path, { data, durable: data.length }));
  }

  async *read(path: string): AsyncIterable<Uint8Array> {
    const data = this.names.get(path)?.data ?? Buffer.alloc(0);
    // Cut where lines do not end, as a real disk would.
    for (let at = 0; at < data.length; at += 1000) yield data.subarray(at, at + 1000);
  }

  async readText(path: string): Promise<string | undefined> {
    return this.names.get(path)?.data.toString('utf8');
  }

  async rename(from: string, to: string): Promise<void> {
    this.#operate();
    this.#change((names) => {
      const node = names.get(from);
      if (node === undefined) return;
      names.delete(from);
      names.set(to, node);
    });
  }

  async remove(path: string): Promise<void> {
    this.#operate();
    this.#change((names) => names.delete(path));
  }

  async syncDirectory(): Promise<void> {
    this.#operate();
    for (const change of this.#since) change(this.#durable);
    this.#since = [];
  }

  #change(change: (names: Names) => void): void {
    change(this.names);
    this.#since.push(change);
  }

  #operate(): void {
    const code = this.#codeNow();
    if (code !== undefined) throw failure(code);
  }

  #codeNow(): string | undefined {
    this.operations += 1;
    return this.failing(this.operations);
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`the disk said ${code}`), { code });
}
