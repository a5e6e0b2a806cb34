import { inspect } from 'node:util';

/** A user name and password that stand nowhere else, with characters that every encoding changes. */
export const CANARY = { user: 'canary-user@1', password: 'pa:ss w%rd/ö' } as const;

const SPELLINGS = spellings();

function spellings(): readonly string[] {
  const { user, password } = CANARY;
  const raw = [user, password, `${user}:${password}`];
  const encoded = raw.flatMap((text) => [
    encodeURIComponent(text),
    encodeURI(text),
    base64(text),
    base64(text).replaceAll('=', ''),
  ]);
  return [...new Set([...raw, ...encoded, `${encodeURIComponent(user)}:${encodeURIComponent(password)}`])];
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The ways in which an error ends up in a log, and each of them that shows a credential. */
export function credentialHits(error: unknown): string[] {
  const shown: Record<string, string> = {
    message: String((error as Error).message),
    stack: String((error as Error).stack),
    inspect: inspect(error, { depth: 10, showHidden: true, maxArrayLength: null, maxStringLength: null }),
    json: toJson(error),
  };
  return Object.entries(shown).flatMap(([way, text]) =>
    SPELLINGS.some((spelling) => text.includes(spelling)) ? [way] : [],
  );
}

function toJson(error: unknown): string {
  const seen = new WeakSet<object>();
  const once = (_key: string, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return '[seen]';
    seen.add(value);
    return value;
  };
  const own = (error as { toJSON?: unknown }).toJSON;
  const named =
    typeof own === 'function'
      ? {}
      : Object.fromEntries(
          Object.getOwnPropertyNames(error).map((name) => [name, (error as Record<string, unknown>)[name]]),
        );
  return `${JSON.stringify(error, once) ?? ''}${JSON.stringify(named, once)}`;
}
