import type { Random } from '@fairlead/core';
import type { RedisPort } from '@fairlead/redis';
import type { SimulatedRedis } from './simulated-redis.js';
import type { Machine, VirtualTime } from './virtual-time.js';

/** What the network does to a worker's commands now. */
export interface Weather {
  loseRequest: number;
  loseReply: number;
  /** Share of commands that take much longer than a command may. */
  slow: number;
  /** Nothing arrives. */
  cut: boolean;
}

export const CLEAR: Readonly<Weather> = Object.freeze({ loseRequest: 0, loseReply: 0, slow: 0, cut: false });

/** How often each thing has happened. */
export interface Tally {
  commands: number;
  lostReplies: number;
}

/** One worker's connection to the simulated server: commands arrive in order, late or not at all. */
export class Connection implements RedisPort {
  weather: Weather = { ...CLEAR };
  readonly #time: VirtualTime;
  readonly #redis: SimulatedRedis;
  readonly #machine: Machine;
  readonly #random: Random;
  readonly #tally: Tally;
  #lastRequest = 0;
  #lastReply = 0;

  constructor(time: VirtualTime, redis: SimulatedRedis, machine: Machine, random: Random, tally: Tally) {
    this.#time = time;
    this.#redis = redis;
    this.#machine = machine;
    this.#random = random;
    this.#tally = tally;
  }

  evalSha(digest: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.#exchange(() => this.#redis.run(digest, keys, args));
  }

  async load(script: string): Promise<string> {
    return String(await this.#exchange(() => this.#redis.load(script)));
  }

  async command(): Promise<unknown> {
    return '';
  }

  isUp(): boolean {
    return true;
  }

  onChange(): () => void {
    return () => undefined;
  }

  async close(): Promise<void> {
    // Nothing is kept for it.
  }

  #exchange(work: () => unknown): Promise<unknown> {
    this.#tally.commands += 1;
    return new Promise((resolve, reject) => {
      if (this.#machine.dead || this.weather.cut || this.#random() < this.weather.loseRequest) return;
      this.#lastRequest = Math.max(this.#lastRequest, this.#time.now + this.#delay());
      this.#time.at(this.#lastRequest, () => this.#arrive(work, resolve, reject));
    });
  }

  #arrive(work: () => unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
    let answer: () => void;
    try {
      const value = work();
      answer = () => resolve(value);
    } catch (error) {
      answer = () => reject(error);
    }
    if (this.weather.cut || this.#random() < this.weather.loseReply) {
      this.#tally.lostReplies += 1;
      return;
    }
    this.#lastReply = Math.max(this.#lastReply, this.#time.now + this.#delay());
    this.#time.at(this.#lastReply, () => this.#machine.perform(answer));
  }

  #delay(): number {
    return this.#random() < this.weather.slow ? 150 + this.#random() * 300 : 0.1 + this.#random() * 2;
  }
}
