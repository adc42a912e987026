/**
 * A command a hundred times a second, from the thread that reads the hand: a page that hangs or is
 * put away must fall silent, because the robot takes silence for a hand that is gone.
 */

const EVERY_MS = 10;
const PACKETS_MAX = 2; // waiting in the browser; a command that queues is old when it goes

export interface Way {
  readonly readyState: RTCDataChannelState;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
}

export class Pulse {
  #timer: ReturnType<typeof setInterval> | undefined;
  #sent = 0; // the sequence that went out last
  #run = 0;

  /** `make`: the command and its sequence, signed; null: nothing to say now. */
  constructor(
    private readonly way: () => Way | null,
    private readonly make: () => Promise<{
      sequence: number;
      octets: Uint8Array<ArrayBuffer>;
    } | null>,
  ) {}

  get running(): boolean {
    return this.#timer !== undefined;
  }

  start(): void {
    this.stop();
    this.#timer = setInterval(() => void this.beat(), EVERY_MS);
  }

  /** Nothing goes out any more, not even what is being signed just now. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#sent = 0;
    this.#run++;
  }

  /** One command, unless the way out is busy. */
  async beat(): Promise<boolean> {
    const run = this.#run;
    if (!free(this.way(), 0)) return false;
    const command = await this.make();
    const way = this.way();
    if (!command || !way || run !== this.#run) return false;
    // Signed meanwhile: a newer one may have overtaken it, or the way filled up.
    if (command.sequence <= this.#sent || !free(way, command.octets.length)) return false;
    this.#sent = command.sequence;
    way.send(command.octets);
    return true;
  }
}

function free(way: Way | null, size: number): boolean {
  if (way?.readyState !== "open") return false;
  return way.bufferedAmount <= PACKETS_MAX * (size || 200);
}
