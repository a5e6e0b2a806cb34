import { parseArgs, type ParseArgsConfig } from 'node:util';
import { checkKeys, ConfigurationError } from '@fairlead/core';

/** What a command understands: flags by name, each with its line of help. */
export type Flags = Readonly<Record<string, Flag>>;

export interface Flag {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly help: string;
}

export interface Read {
  readonly words: readonly string[];
  /** The last value of a flag, if it was given. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  has(name: string): boolean;
}

/** Reads the words after a command; a flag that nobody knows is refused with the nearest that is known. */
export function readCommandLine(argv: readonly string[], flags: Flags): Read {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type }]) => [name, { type, multiple: true } as const]),
  ) satisfies NonNullable<ParseArgsConfig['options']>;
  const { values, positionals } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true });
  checkKeys(values, Object.keys(flags), '');
  for (const [name, given] of Object.entries(values)) checkValues(name, flags[name]!, given as unknown[]);
  const list = (name: string): readonly string[] => (values[name] ?? []) as string[];
  return { words: positionals, list, text: (name) => list(name).at(-1), has: (name) => name in values };
}

function checkValues(name: string, { type, multiple }: Flag, given: unknown[]): void {
  if (type === 'string' && given.some((value) => typeof value !== 'string')) {
    throw new ConfigurationError('INVALID_OPTION', `--${name}`, 'needs a value');
  }
  if (multiple !== true && given.length > 1) {
    throw new ConfigurationError('INVALID_OPTION', `--${name}`, 'stands twice');
  }
}

export function helpOf(usage: string, flags: Flags): string {
  const width = Math.max(...Object.keys(flags).map((name) => name.length)) + 2;
  const lines = Object.entries(flags).map(([name, { help }]) => `  ${`--${name}`.padEnd(width)}  ${help}`);
  return `${usage}\n\n${lines.join('\n')}\n`;
}

/** A whole number, or a complaint that names its flag. */
export function numberOf(read: Read, name: string, otherwise: number): number {
  const text = read.text(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new ConfigurationError('INVALID_OPTION', `--${name}`, 'must be a whole number above 0');
}
