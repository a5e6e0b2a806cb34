import { readFileSync, readlinkSync } from 'node:fs';

/** Names a process beyond its pid, which the system gives to another one day. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The namespace the pid counts in; empty where the system has none. */
  readonly namespace: string;
  /** The start of the system the process belongs to. */
  readonly boot: string;
  /** When the process started, in the system's own ticks. */
  readonly started: string;
}

export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    namespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
    boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    started: startOf(process.pid),
  };
}

/** What is known of another process: it lives, it is gone, or it counts in a namespace we cannot look into. */
export function fateOf(other: ProcessIdentity, self: ProcessIdentity): 'alive' | 'gone' | 'foreign' {
  // After a restart of the machine nobody is left, whatever the namespaces are called.
  if (other.boot !== self.boot && other.boot !== '' && self.boot !== '') return 'gone';
  if (other.namespace !== self.namespace) return 'foreign';
  if (!exists(other.pid)) return 'gone';
  const started = startOf(other.pid);
  return started !== '' && other.started !== '' && started !== other.started ? 'gone' : 'alive';
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Not ours to signal, and yet there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function startOf(pid: number): string {
  // The name in brackets may hold spaces and brackets itself: fields are counted from the last of them.
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
