import type { AccessRecord } from '@fairlead/gateway';

/** One access as a line for people: what, where to, through whom, how it went. */
export function accessLine(record: AccessRecord): string {
  const { time, id, kind, client, session, target, proxy, attempts, status, code, latencyMs, sent, received } = record;
  const who = printable([client, session].filter((part) => part !== undefined).join('/')) || '-';
  const tail = [code, record.suspended ? 'suspended' : undefined].filter((part) => part !== undefined);
  return [
    new Date(time).toISOString(),
    `#${id}`,
    kind,
    who,
    target ?? '-',
    `via ${proxy ?? '-'}`,
    `${attempts} tried`,
    status,
    `${latencyMs.toFixed(0)} ms`,
    `${sent}>${received}`,
    ...tail,
  ].join(' ');
}

/** What a client calls itself and its session must neither end the line nor speak to a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
