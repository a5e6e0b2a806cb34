import { Refusal } from './refusal.js';

/** Names and values in turn, as they came: `rawHeaders` of Node. */
export type RawHeaders = readonly string[];

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What clients tell the gateway by; never passed on, in either direction. */
export const CONTROL = 'x-fairlead-';

/** The headers that go on, behind those in `kept`: those of this hop, those its `Connection` names, and the gateway's own stay here. */
export function passedOn(raw: RawHeaders, skip?: string, kept: string[] = []): string[] {
  const named = namedByConnection(raw);
  for (let index = 0; index < raw.length; index += 2) {
    const [name, value] = [raw[index]!, raw[index + 1]!];
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || key.startsWith(CONTROL) || key === skip || named?.has(key) === true) continue;
    kept.push(name, value);
  }
  return kept;
}

/** A trailer can carry nothing by which a message is framed, routed or let in. */
const NEVER_TRAILERS = new Set(['content-length', 'host', 'authorization', 'set-cookie', 'content-encoding', 'expect']);

export function passedOnTrailers(raw: RawHeaders): [string, string][] {
  const kept = passedOn(raw);
  return Array.from({ length: kept.length / 2 }, (_, index): [string, string] => [
    kept[2 * index]!,
    kept[2 * index + 1]!,
  ]).filter(([name]) => !NEVER_TRAILERS.has(name.toLowerCase()));
}

/** What no sender may have its `Connection` name: without these a message means something else. */
const FRAMING = new Set(['content-length', 'host', 'transfer-encoding']);

function namedByConnection(raw: RawHeaders): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]!.toLowerCase() !== 'connection') continue;
    for (const word of raw[index + 1]!.split(',')) {
      const key = word.trim().toLowerCase();
      if (key === '' || key === 'keep-alive' || key === 'close' || FRAMING.has(key)) continue;
      (named ??= new Set()).add(key);
    }
  }
  return named;
}

/** The value of a header that may stand once. */
export function single(raw: RawHeaders, wanted: string): string | undefined {
  let found: string | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index]!.toLowerCase() !== wanted) continue;
    if (found !== undefined) throw new Refusal(400, 'BAD_REQUEST', `there are two ${wanted} headers`);
    found = raw[index + 1]!;
  }
  return found;
}
