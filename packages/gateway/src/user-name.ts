/** What a client asks for by its user name. */
export interface Wishes {
  readonly session: string | undefined;
  readonly tags: readonly string[];
}

export const NO_WISHES: Wishes = Object.freeze({ session: undefined, tags: Object.freeze([]) as readonly string[] });

const WORDS = ['session', 'tag', 'country'] as const;
type Word = (typeof WORDS)[number];

/** Longer ones are refused: they become keys of the pool. */
const MOST = 256;
/** They would end a line of a log, or speak to a terminal. */
export const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * Reads `session-cart-42-tag-eu-country-de`: each word takes what follows it up to the next one. A country is the tag
 * `country:de`. Undefined when the text is something else.
 */
export function readWishes(text: string): Wishes | undefined {
  if (text.length > MOST || CONTROL_CHARACTER.test(text)) return undefined;
  let session: string | undefined;
  const tags: string[] = [];
  for (const [word, value] of pairsOf(text)) {
    if (word === undefined || value === '') return undefined;
    if (word === 'session') {
      if (session !== undefined) return undefined;
      session = value;
    } else tags.push(word === 'tag' ? value : `country:${value.toLowerCase()}`);
  }
  return session === undefined && tags.length === 0 ? undefined : { session, tags };
}

function pairsOf(text: string): [Word | undefined, string][] {
  const pairs: [Word | undefined, string[]][] = [];
  for (const part of text.split('-')) {
    const word = WORDS.find((candidate) => candidate === part);
    const last = pairs.at(-1);
    // A word right after a word is a value: `tag-session` asks for the tag `session`.
    if (word !== undefined && (last === undefined || last[1].length > 0)) pairs.push([word, []]);
    else if (last === undefined) pairs.push([undefined, [part]]);
    else last[1].push(part);
  }
  return pairs.map(([word, parts]) => [word, parts.join('-')]);
}

/** Splits `alice-session-cart42` into every name it may begin with, longest first, and the rest. */
export function* splitsOf(userName: string): Generator<readonly [name: string, rest: string]> {
  yield [userName, ''];
  for (let at = userName.lastIndexOf('-'); at > 0; at = userName.lastIndexOf('-', at - 1)) {
    const rest = userName.slice(at + 1);
    if (WORDS.some((word) => rest.startsWith(`${word}-`))) yield [userName.slice(0, at), rest];
  }
}
