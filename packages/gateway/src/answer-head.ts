import type { IncomingMessage, ServerResponse } from 'node:http';
import { passedOn } from './headers.js';
import { Refusal } from './refusal.js';

/** The head of a target's answer, as a client can be told it. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string | undefined;
  readonly headers: string[];
}

/** Node's parser takes what Node's own server refuses to write. */
const UNWRITABLE = /[^\t\x20-\x7e\x80-\xff]/;

/** Reads a head to pass on; throws where nobody could be told it. */
export function answerHeadOf({ statusCode = 0, statusMessage = '', rawHeaders }: IncomingMessage): AnswerHead {
  // One below 200 announces an answer, and a change of protocol is asked for by nobody here.
  if (statusCode < 200 || statusCode > 999) throw unreadable('the target answered with a status that is none');
  // The reason says nothing that the status does not.
  const reason = UNWRITABLE.test(statusMessage) ? undefined : statusMessage;
  return { status: statusCode, reason, headers: passedOn(rawHeaders) };
}

/** Heads before the answer: those of one request that are passed on, and those after which nothing more is expected. */
const MOST_PASSED_ON = 10;
const MOST_HEARD = 100;

/** What Node tells of an interim answer. */
export interface InterimAnswer {
  readonly statusCode: number;
  readonly rawHeaders: readonly string[];
}

/** The interim answers of one attempt on their way to the client: a few, and none that it has no room for. */
export class InterimAnswers {
  readonly #response: ServerResponse;
  readonly #mayTell: boolean;
  readonly #isAwaited: boolean;
  #heard = 0;

  constructor({ httpVersion, headers }: IncomingMessage, response: ServerResponse) {
    this.#response = response;
    this.#mayTell = httpVersion === '1.1';
    this.#isAwaited = headers.expect !== undefined;
  }

  /** Throws when a target sends more of them than it can mean. */
  tell({ statusCode, rawHeaders }: InterimAnswer): void {
    this.#heard += 1;
    if (this.#heard > MOST_HEARD) throw unreadable('the target sent interim answers without an end');
    const response = this.#response;
    if (!this.#mayTell || response.headersSent || this.#heard > MOST_PASSED_ON) return;
    if (statusCode === 100 && this.#isAwaited) response.writeContinue();
    // A hint is not worth waiting for room.
    else if (statusCode === 103 && response.socket?.writableNeedDrain === false) tellHints(response, rawHeaders);
  }
}

/** Each link by itself: Node looks at them one by one, and a field may hold several. */
function tellHints(response: ServerResponse, rawHeaders: readonly string[]): void {
  const links = rawHeaders.flatMap((value, index) =>
    index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === 'link' ? value.split(/,\s*(?=<)/) : [],
  );
  if (links.length === 0) return;
  try {
    response.writeEarlyHints({ link: links });
  } catch {
    // A hint that Node does not know for one is no loss: the answer has the same links.
  }
}

function unreadable(message: string): Refusal {
  return new Refusal(502, 'TARGET_PROTOCOL', message);
}
