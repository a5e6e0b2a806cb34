import { checkKeys } from '@fairlead/core';
import { CONTROL, type RawHeaders } from './headers.js';
import { Refusal } from './refusal.js';

/** What a request asks of the gateway by its `X-Fairlead-…` headers. */
export interface Controls {
  readonly key: string | undefined;
  /** The target stands in a header. */
  readonly isTargeted: boolean;
  readonly session: string | undefined;
  readonly tags: readonly string[];
  readonly idempotent: boolean | undefined;
  /** What the answer shows beside what the target said. */
  readonly shows: readonly 'attempts'[];
}

/** The same for a tunnel, of which no request is seen. */
export function readTunnelControls(raw: RawHeaders): Controls {
  const controls = readControls(raw);
  if (controls.isTargeted || controls.idempotent !== undefined || controls.shows.length > 0) {
    throw bad('CONNECT takes X-Fairlead-Key, -Session and -Tags; the others are for requests');
  }
  return controls;
}

const KNOWN = ['target', 'key', 'session', 'tags', 'idempotent', 'attempts'];
const NONE: Controls = Object.freeze({
  key: undefined,
  isTargeted: false,
  session: undefined,
  tags: [],
  idempotent: undefined,
  shows: [],
});
const MOST = 256;

/** Reads them; one that nobody knows is refused, for a typo must not pass for a default. */
export function readControls(raw: RawHeaders): Controls {
  let found: Map<string, string> | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase();
    if (!name.startsWith(CONTROL)) continue;
    const key = name.slice(CONTROL.length);
    const value = raw[index + 1]!.trim();
    if ((found ??= new Map()).has(key)) throw bad(`there are two ${name} headers`);
    if (key !== 'target' && value.length > MOST) throw bad(`${name} is too long`);
    found.set(key, value);
  }
  if (found === undefined) return NONE;
  checkNames([...found.keys()]);
  const session = found.get('session');
  if (session === '') throw bad('X-Fairlead-Session is empty');
  if (session?.includes('\t') === true) throw bad('X-Fairlead-Session holds a tab');
  return {
    key: found.get('key'),
    isTargeted: found.has('target'),
    session,
    tags: (found.get('tags') ?? '')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
    idempotent: flag(found.get('idempotent')),
    shows: flag(found.get('attempts')) === true ? ['attempts'] : [],
  };
}

function checkNames(names: readonly string[]): void {
  try {
    checkKeys(Object.fromEntries(names.map((name) => [name, true])), KNOWN, '');
  } catch (error) {
    throw bad(`X-Fairlead-${(error as Error).message}`);
  }
}

function flag(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  throw bad('X-Fairlead-Attempts and X-Fairlead-Idempotent take 1 or 0');
}

function bad(message: string): Refusal {
  return new Refusal(400, 'BAD_REQUEST', message);
}
