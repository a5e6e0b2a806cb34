import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Pool } from '@fairlead/core';
import type { Access, AccessLog } from './access-log.js';
import type { Admission } from './admission.js';
import type { Destination } from './destination.js';
import { Cancellation } from './cancellation.js';
import { wishing, type Client, type Doorman } from './doorman.js';
import { ForwardAttempt, type Carriers, type Parcel } from './forward.js';
import { DirectPassage, exitOf, RunPassage, TicketPassage, type Passage, type Permit } from './passage.js';
import type { Hearsay } from './hearsay.js';
import { refuseRequest, Refusal, refusalOf } from './refusal.js';
import { RequestBody, type BodyLimits } from './request-body.js';
import {
  checkCalledAsLoopback,
  checkFraming,
  hasTargetHeader,
  readAbsolute,
  readHeaderTarget,
  type Asked,
} from './request-check.js';
import { readControls, type Controls } from './controls.js';
import { sessionOf } from './session-book.js';

interface RequestFrontParts {
  readonly pool: Pool;
  readonly doorman: Doorman;
  readonly admission: Admission;
  readonly log: AccessLog;
  readonly carriers: Carriers;
  readonly limits: BodyLimits & { readonly idleMs: number };
  readonly connectTimeoutMs: number;
  readonly hearsay: Hearsay;
  readonly isDirect: (destination: Destination) => boolean;
}

const STILL = new Refusal(504, 'IDLE', 'nothing moved for too long');
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Requests that the gateway itself sends on: in absolute form, or with their target in a header. */
export class RequestFront {
  readonly #parts: RequestFrontParts;
  /** No connection is kept for another request any more. */
  draining = false;

  constructor(parts: RequestFrontParts) {
    this.#parts = parts;
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.draining) response.shouldKeepAlive = false;
    const access = this.#parts.log.begin(hasTargetHeader(request) ? 'target' : 'plain');
    // Where to send an error of the socket's: the response tells of its end by itself.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    this.#carry(access, request, response).catch((error: unknown) => {
      const refusal = refusalOf(error);
      access.client?.ticket?.refused(refusal, access.destination?.url);
      access.end({ status: refusal.status, code: refusal.code });
      refuseRequest(response, refusal);
    });
  };

  async #carry(access: Access, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { doorman, admission, limits, carriers } = this.#parts;
    const framing = checkFraming(request);
    const controls = readControls(request.rawHeaders);
    const client = wishing(doorman.admit(framing.credentials, controls.key, request.socket), controls);
    if (access.kind === 'target' && isNobody(client)) checkCalledAsLoopback(framing);
    const asked = access.kind === 'target' ? readHeaderTarget(request) : readAbsolute(request, framing);
    admission.request(access, client, asked.destination, asked.path);
    const body = new RequestBody(request, framing, limits);
    const repeatable = !body.exists && IDEMPOTENT.has(request.method ?? '');
    const parcel = { request, response, asked, framing, body, repeatable, shows: controls.shows };
    const passage = this.#passageFor(client, asked, controls, parcel);
    body.onRefused = (refusal) => {
      const { status, code } = refusal;
      access.end({ status, code, attempts: passage.attempts, sent: body.bytes });
      refuseRequest(response, refusal);
    };
    // A client that takes nothing of its answer, or one that gets none, is given up.
    response.setTimeout(limits.idleMs, () => body.onRefused(STILL));
    await deliver(access, parcel, passage, carriers);
  }

  #passageFor(
    client: Client,
    { destination }: Asked,
    controls: Controls,
    { request, response, repeatable }: Parcel,
  ): Passage {
    const { pool, isDirect, connectTimeoutMs } = this.#parts;
    if (isDirect(destination)) return new DirectPassage(connectTimeoutMs, repeatable);
    const gone = goneWith(response);
    if (client.ticket !== undefined) {
      return new TicketPassage(client.ticket, destination.url, gone, this.#parts);
    }
    const { session, tags } = client.wishes;
    const wish = {
      target: destination.url,
      signal: gone as unknown as AbortSignal,
      tags,
      ...(request.method === undefined ? {} : { method: request.method }),
      ...(session === undefined ? {} : { session: sessionOf(client.name, session) }),
      ...(controls.idempotent === undefined ? {} : { idempotent: controls.idempotent }),
    };
    return new RunPassage(pool, wish, connectTimeoutMs);
  }
}

async function deliver(access: Access, parcel: Parcel, passage: Passage, carriers: Carriers): Promise<void> {
  let permit: Permit | undefined;
  for (;;) {
    try {
      const next = passage.next();
      permit = next instanceof Promise ? await next : next;
      const delivery = await ForwardAttempt.run(parcel, permit, passage, carriers);
      if (delivery === 'again') continue;
      const { status, bytes } = delivery;
      const ends = { status, received: bytes, sent: parcel.body.bytes, attempts: passage.attempts };
      access.end({ ...ends, proxy: exitOf(permit), ...(status === 499 ? { code: 'ABORTED' } : {}) });
      return;
    } catch (error) {
      return finish(access, parcel, passage, permit, refusalOf(error));
    }
  }
}

function finish(
  access: Access,
  { response, body }: Parcel,
  passage: Passage,
  permit: Permit | undefined,
  refusal: Refusal,
): void {
  const proxy = permit === undefined ? undefined : exitOf(permit);
  access.client?.ticket?.refused(refusal, access.destination?.url);
  access.end({ status: refusal.status, code: refusal.code, proxy, attempts: passage.attempts, sent: body.bytes });
  refuseRequest(response, refusal);
}

function isNobody({ account, ticket }: Client): boolean {
  return account === undefined && ticket === undefined;
}

function goneWith(response: ServerResponse): Cancellation {
  const gone = new Cancellation();
  response.once('close', () => gone.abort());
  return gone;
}
