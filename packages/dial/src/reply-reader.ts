/** The head of an answer, read, and the bytes that came right behind it. */
export interface Reply {
  readonly status: number;
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[];
  readonly rest: Buffer;
}

/** As much of Node's HTTP parser as reads one head. */
interface Parser {
  [key: number]: (...values: never[]) => unknown;
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(chunk: Uint8Array): number | NodeJS.ErrnoException;
  free(): void;
  close(): void;
}

interface ParserClass {
  new (): Parser;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
}

/**
 * Node's own client takes its parser from there. It is no public part of Node, and releases to come will warn of it: those, and
 * one that has it no longer, leave us the client itself.
 */
const LENT_BEFORE = 26;
const lender = Number.parseInt(process.versions.node, 10) < LENT_BEFORE ? process.getBuiltinModule('_http_common') : {};
const { HTTPParser: NodeParser } = (lender ?? {}) as { HTTPParser?: ParserClass };

export const canReadReplies =
  NodeParser !== undefined &&
  [NodeParser.RESPONSE, NodeParser.kOnHeaders, NodeParser.kOnHeadersComplete].every(isIndex);

const MAX_HEAD = 16 * 1024;
const STRICT = 0;
/** What a parser is told of an answer to CONNECT: nothing of what follows is a body. */
const NO_BODY = 2;

/**
 * Reads the answer to one CONNECT with the parser that Node's client stands on, strict and bounded as that, without a request
 * object of Node's around it: that costs more than all else in a dial.
 */
export class ReplyReader {
  #parser: ReadingParser | undefined = takeParser();
  readonly #headers: string[] = [];
  #status: number | undefined;

  constructor() {
    this.#parser!.begin(this);
  }

  /** @internal Told by the parser. */
  heard(headers: readonly string[]): void {
    for (const text of headers) this.#headers.push(text);
  }

  /** @internal Told by the parser. */
  complete(status: number): void {
    this.#status = status;
  }

  /** The answer, if its head ends in this chunk; an error where it is none. */
  read(chunk: Buffer): Reply | Error | undefined {
    const read = this.#parser?.execute(chunk) ?? 0;
    if (typeof read !== 'number') return read;
    if (this.#status === undefined) return undefined;
    return { status: this.#status, headers: this.#headers, rest: chunk.subarray(read) };
  }

  /** Gives the parser back; nothing is read any more. */
  close(): void {
    const parser = this.#parser;
    this.#parser = undefined;
    if (parser !== undefined) giveBack(parser);
  }
}

/** A parser with its listeners, which serves one reader after another. */
class ReadingParser {
  readonly #parser: Parser;
  readonly #class: ParserClass;
  #reader: ReplyReader | undefined;

  constructor(Class: ParserClass) {
    this.#class = Class;
    this.#parser = new Class();
    this.#parser[Class.kOnHeaders] = (headers: string[]) => this.#reader?.heard(headers);
    this.#parser[Class.kOnHeadersComplete] = (
      _major: number,
      _minor: number,
      headers: string[] | undefined,
      _method: unknown,
      _url: unknown,
      status: number,
    ) => {
      if (headers !== undefined) this.#reader?.heard(headers);
      this.#reader?.complete(status);
      return NO_BODY;
    };
  }

  begin(reader: ReplyReader): void {
    this.#reader = reader;
    this.#parser.initialize(this.#class.RESPONSE, reader, MAX_HEAD, STRICT);
  }

  execute(chunk: Buffer): number | Error {
    return this.#parser.execute(chunk);
  }

  end(): void {
    this.#reader = undefined;
    this.#parser.free();
  }

  /** It serves nobody any more: until it is closed Node keeps it. */
  close(): void {
    this.#parser.close();
  }
}

const spare: ReadingParser[] = [];
const MOST_SPARE = 64;

function takeParser(): ReadingParser {
  return spare.pop() ?? new ReadingParser(NodeParser!);
}

function giveBack(parser: ReadingParser): void {
  parser.end();
  if (spare.length < MOST_SPARE) spare.push(parser);
  // Not at once, as Node does it: it may be in the middle of a chunk.
  else setImmediate(() => parser.close());
}

function isIndex(value: unknown): boolean {
  return Number.isInteger(value);
}
