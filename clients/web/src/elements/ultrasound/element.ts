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

/** Calls `draw` some thirty times a second while the element is on a page that is looked at. */
export class Drawn implements ReactiveController {
  #handle = 0;
  #lastMs = 0;

  constructor(
    host: LitElement,
    private readonly draw: (nowMs: number) => void,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    const next = (nowMs: number): void => {
      this.#handle = requestAnimationFrame(next);
      if (nowMs - this.#lastMs < EVERY_MS - 4) return;
      this.#lastMs = nowMs;
      this.draw(nowMs);
    };
    this.#handle = requestAnimationFrame(next);
  }

  hostDisconnected(): void {
    cancelAnimationFrame(this.#handle);
  }
}
