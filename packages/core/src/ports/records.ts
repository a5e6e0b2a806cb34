/** The port of soft state: what was learned, kept beyond this process. The memory store keeps none. */
export interface Records {
  close(): Promise<void>;
}
