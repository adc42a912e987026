/**
 * The signaling WebSocket. Requests carry an id and are answered once; events count up, so that a
 * dropped socket resumes after the last event seen. The invariant: at most one socket is alive, and
 * every request made on it is settled, by its answer or by its loss.
 */

import { Problem, problemOfError } from "../state/problem";
import { Store } from "../state/store";
import {
  PROTOCOL_VERSION,
  type AnswerTo,
  type ClientRequest,
  type Error as ErrorAnswer,
  type ErrorCode,
  type Hello,
  type Resume,
  type ServerAnswer,
  type ServerEvent,
  type ServerMessage,
  type Welcome,
} from "./messages";

/** A request as its caller writes it: the client gives the id. */
export type Draft<R extends ClientRequest = ClientRequest> = R extends ClientRequest
  ? Omit<R, "id">
  : never;

export class RequestError extends Error {
  constructor(readonly answer: ErrorAnswer) {
    super(`${answer.code}: ${answer.reason}${answer.field ? ` (${answer.field})` : ""}`);
  }
}

/** The socket went before the answer came. */
export class ConnectionLost extends Error {}

export type LinkState = "connecting" | "online" | "reconnecting" | "closed";

export interface ClientCallbacks {
  event(event: ServerEvent): void;
  /** After a dropped socket: `welcome.resumed` false means that the session is a new one. */
  reconnected(welcome: Welcome): void;
  /** The session or its position moved: keep it for a reload. */
  progress(session: string, seq: number): void;
  failed(problem: Problem): void;
}

const PING_MS = 2500;
const SILENCE_MS = 6000; // two missed pings and a little
const HELLO_MS = 8000;
/** A try made while the network was away hangs after its return too: better a new one soon. */
const TRY_MS = 1200;
const FRESH_MS = 300;
const LONG_TRY_EVERY = 4; // for a network that is back, and slow
const REQUEST_MS = 15_000;
/** Refusals of a hello that may be gone at the next attempt. */
const PASSING: ReadonlySet<ErrorCode> = new Set(["internal", "too_many_requests"]);

/** Wait before the n-th attempt: 0.1 s doubling to 1 s, less a random part so that rooms do not stampede. */
export function backOffMs(attempt: number, random: number = Math.random()): number {
  return Math.min(1000, 100 * 2 ** attempt) * (0.5 + 0.5 * random);
}

/** How long the n-th attempt to reconnect may take, from the first packet to the welcome. */
export function tryMs(attempt: number): number {
  return attempt % LONG_TRY_EVERY === LONG_TRY_EVERY - 1 ? HELLO_MS : TRY_MS;
}

interface Pending {
  resolve(answer: ServerAnswer): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

export class ProtocolClient {
  readonly link = new Store<LinkState>("connecting");
  #socket: WebSocket | null = null;
  #nextId = 0;
  #pending = new Map<number, Pending>();
  #session: string | null = null;
  #seq = 0;
  #token = "";
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pings: ReturnType<typeof setInterval> | undefined;
  #heardMs = 0;
  #round = 0; // of trying: what an older one hears counts no more
  #triedMs = 0; // when the attempt that is under way began

  constructor(
    private readonly url: string,
    private readonly callbacks: ClientCallbacks,
  ) {}

  /** Opens the session, or resumes the one of a page that was reloaded. */
  async connect(token: string, resume?: { session: string; seq: number }): Promise<Welcome> {
    this.#token = token;
    this.link.set("connecting");
    const welcome = await this.#open(resume ? { ...resume, media: false } : null, HELLO_MS);
    addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
    return welcome;
  }

  request<R extends Draft>(draft: R): Promise<AnswerTo[R["type"]]> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || this.link.value !== "online") {
      return Promise.reject(new ConnectionLost("not connected"));
    }
    return this.#send(socket, draft, REQUEST_MS) as Promise<AnswerTo[R["type"]]>;
  }

  /** Ends for good; nothing is called afterwards. */
  close(): void {
    this.link.set("closed");
    clearTimeout(this.#retry);
    removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    this.#drop();
  }

  /** Gives the session up and comes back with a new one after `delayMs`. */
  restart(delayMs: number): void {
    this.#session = null;
    this.#seq = 0;
    this.#drop();
    this.link.set("reconnecting");
    this.#later(delayMs);
  }

  /** Media flow again, so the network is there; TCP wakes late from an outage. */
  mediaBack(): void {
    const silent = this.#silentMs() > PING_MS + FRESH_MS;
    if (this.link.value === "online" && silent && this.#socket) this.#lost(this.#socket);
    this.#hurry();
  }

  /** Waits are cut short when there is reason to hope: network back, page in front again. */
  readonly #hurry = (): void => {
    if (this.link.value !== "reconnecting" || document.hidden) return;
    if (performance.now() - this.#triedMs < FRESH_MS) return; // a try is under way
    this.#attempt = 0;
    this.#round += 1;
    this.#drop();
    this.#later(0);
  };

  #silentMs(): number {
    return performance.now() - this.#heardMs;
  }

  #send(socket: WebSocket, draft: Draft, timeoutMs: number): Promise<ServerAnswer> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new ConnectionLost(`no answer to ${draft.type} within ${timeoutMs} ms`));
        if (this.link.value === "online") this.#lost(socket); // who asked waits for a new one
      }, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ ...draft, id }));
    });
  }

  async #open(resume: Resume | null, withinMs: number): Promise<Welcome> {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#triedMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new ConnectionLost("the WebSocket cannot be opened"));
      const timer = setTimeout(() => {
        socket.close();
        fail();
      }, withinMs);
      socket.onopen = () => {
        clearTimeout(timer);
        resolve();
      };
      socket.onclose = socket.onerror = () => {
        clearTimeout(timer);
        fail();
      };
    });
    socket.onmessage = (message) => this.#receive(socket, String(message.data));
    socket.onclose = () => this.#lost(socket);
    socket.onerror = null;
    this.#heardMs = performance.now();
    const welcome = await this.#hello(socket, resume, withinMs);
    if (this.#session !== welcome.session) {
      this.#session = welcome.session;
      if (!welcome.resumed) this.#seq = 0;
    }
    this.#attempt = 0;
    this.callbacks.progress(this.#session, this.#seq);
    clearInterval(this.#pings);
    this.#pings = setInterval(() => this.#ping(socket), PING_MS);
    this.link.set("online");
    return welcome;
  }

  async #hello(socket: WebSocket, resume: Resume | null, withinMs: number): Promise<Welcome> {
    const hello: Draft<Hello> = { type: "hello", version: PROTOCOL_VERSION, token: this.#token };
    try {
      if (!resume) return (await this.#send(socket, hello, withinMs)) as Welcome;
      this.#seq = resume.seq; // replayed events may follow the welcome at once
      return (await this.#send(socket, { ...hello, resume }, withinMs)) as Welcome;
    } catch (error) {
      const gone = error instanceof RequestError && error.answer.code === "session_gone";
      if (!gone || !resume) throw error;
      this.#session = null;
      this.#seq = 0;
      return (await this.#send(socket, hello, HELLO_MS)) as Welcome;
    }
  }

  #receive(socket: WebSocket, text: string): void {
    if (socket !== this.#socket) return;
    this.#heardMs = performance.now();
    const message = JSON.parse(text) as ServerMessage;
    if ("re" in message) {
      const pending = this.#pending.get(message.re);
      if (!pending) return;
      this.#pending.delete(message.re);
      clearTimeout(pending.timer);
      if (message.type === "error") pending.reject(new RequestError(message));
      else pending.resolve(message);
      return;
    }
    if (message.seq <= this.#seq) return;
    this.#seq = message.seq;
    if (this.#session) this.callbacks.progress(this.#session, this.#seq);
    this.callbacks.event(message);
  }

  #ping(socket: WebSocket): void {
    if (this.#silentMs() > SILENCE_MS) {
      this.#lost(socket);
      return;
    }
    this.request({ type: "ping" }).catch(() => undefined);
  }

  #lost(socket: WebSocket): void {
    if (socket !== this.#socket || this.link.value === "closed") return;
    const wasOnline = this.link.value === "online";
    this.#drop();
    if (!wasOnline) return; // whoever is opening it hears of it from the rejected hello
    this.link.set("reconnecting");
    this.#later(backOffMs(0));
  }

  #drop(): void {
    clearInterval(this.#pings);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new ConnectionLost("the connection was lost"));
    }
    this.#pending.clear();
  }

  #later(delayMs: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#reconnect(), delayMs);
  }

  async #reconnect(): Promise<void> {
    const resume = this.#session ? { session: this.#session, seq: this.#seq, media: true } : null;
    const round = ++this.#round;
    const opening = this.#open(resume, tryMs(this.#attempt));
    try {
      this.callbacks.reconnected(await opening);
    } catch (error) {
      if (this.link.value === "closed" || round !== this.#round) return;
      this.#drop();
      if (error instanceof RequestError && !PASSING.has(error.answer.code)) {
        this.close();
        this.callbacks.failed(problemOfError(error.answer.code, error.answer.reason));
        return;
      }
      this.#attempt += 1;
      this.#later(backOffMs(this.#attempt));
    }
  }
}
