/** All that the store asks of a Redis client: six methods, and one more where it can tell. Bring another library by writing them for it. */
export interface RedisPort {
  /** Runs a script by its digest; rejects with the server's own words when it fails. */
  evalSha(digest: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  /** Loads a script and answers with its digest. */
  load(script: string): Promise<string>;
  /** Runs any other command. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
  /** Whether a command would go out at once. */
  isUp(): boolean;
  /** Calls back when the connection comes and goes; the answer takes the listener off again. */
  onChange(listener: (up: boolean) => void): () => void;
  /** What the client last said of its connection, while that is not there: words for whoever waits for it. */
  trouble?(): unknown;
  /** Closes what was opened for this store; a client that the user brought stays open. */
  close(): Promise<void>;
}
