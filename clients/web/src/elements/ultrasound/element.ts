import { LitElement, type ReactiveController } from "lit";
import { property } from "lit/decorators.js";

import type { Console } from "../../control/console";
import type { ControlMessages } from "../../i18n/control-en";
import { controlMessages } from "../../i18n/control";
import { language } from "../../i18n/language";
import { Watching, type Watchable } from "../../state/store";

/** A part of the console: `console` is given by its parent before it enters the page. */
export abstract class ConsoleElement extends LitElement {
  @property({ attribute: false }) console!: Console;

  constructor() {
    super();
    new Watching(this, () => [language, ...this.stores()]);
  }

  protected get c(): ControlMessages {
    return controlMessages();
  }

  protected stores(): readonly Watchable[] {
    return [];
  }
}

const EVERY_MS = 33;
const SHARE = 4; // at most this part of the page's time: the hand's commands come first

/** Calls `draw` some thirty times a second, seldomer where drawing is dear, on a page that is looked at. */
export class Drawn implements ReactiveController {
  #handle = 0;
  #nextMs = 0;
  #begunMs = 0;
  #drawn: MessageChannel | null = null; // its message comes after the frame's layout and painting

  constructor(
    host: LitElement,
    private readonly draw: (nowMs: number) => void,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    const next = (nowMs: number): void => {
      this.#handle = requestAnimationFrame(next);
      if (nowMs < this.#nextMs - 4) return;
      this.#nextMs = nowMs + EVERY_MS;
      this.#begunMs = performance.now();
      this.draw(nowMs);
      this.#drawn?.port2.postMessage(null);
    };
    this.#drawn = new MessageChannel();
    this.#drawn.port1.onmessage = () => {
      const tookMs = performance.now() - this.#begunMs;
      this.#nextMs = Math.max(this.#nextMs, this.#begunMs + SHARE * tookMs);
    };
    this.#handle = requestAnimationFrame(next);
  }

  hostDisconnected(): void {
    cancelAnimationFrame(this.#handle);
    this.#drawn?.port1.close();
    this.#drawn = null;
  }
}
