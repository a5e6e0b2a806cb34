import { FormData, Request, type RequestInfo, type RequestInit } from 'undici';

type Given = Parameters<typeof globalThis.fetch>;
type Body = NonNullable<RequestInit['body']>;

/** Node has classes of its own for these, which undici's fetch takes for texts and addresses. */
export function toInput(input: RequestInfo | Given[0]): RequestInfo {
  if (!isNodes(input, 'Request')) return input as RequestInfo;
  const { url, method, headers, body, signal, redirect, credentials, mode, cache, referrer, integrity } =
    input as Request;
  const init = { method, headers, signal, redirect, credentials, mode, cache, referrer, integrity };
  return new Request(url, body === null ? init : { ...init, body, duplex: 'half' });
}

/** The same for a body. */
export function toBody(body: Body): Body {
  if (!isNodes(body, 'FormData')) return body;
  const form = new FormData();
  for (const [name, value] of body as unknown as FormData) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value, value.name);
  }
  return form;
}

function isNodes(value: unknown, name: 'FormData' | 'Request'): boolean {
  return value instanceof globalThis[name] && !(value instanceof { FormData, Request }[name]);
}

/** A body that was given whole, as it can be sent again; undefined where it is a stream, or made anew with each reading. */
export function wholeBody(given: unknown): string | Uint8Array | AsyncIterable<Uint8Array> | undefined {
  if (typeof given === 'string') return given;
  if (given instanceof URLSearchParams) return String(given);
  if (given instanceof ArrayBuffer) return new Uint8Array(given);
  if (ArrayBuffer.isView(given)) return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  if (given instanceof Blob) return { [Symbol.asyncIterator]: () => given.stream()[Symbol.asyncIterator]() };
  return undefined;
}
