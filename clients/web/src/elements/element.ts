import { LitElement } from "lit";
import { property } from "lit/decorators.js";

import type { Messages } from "../i18n/en";
import { language, messages } from "../i18n/language";
import type { Call } from "../state/call";
import { Watching, type Watchable } from "../state/store";

/** Draws in the person's language, and again whenever it or a watched store changes. */
export abstract class DistalElement extends LitElement {
  constructor() {
    super();
    new Watching(this, () => [language, ...this.stores()]);
  }

  protected get t(): Messages {
    return messages();
  }

  /** The stores this element draws; asked when it enters the page. */
  protected stores(): readonly Watchable[] {
    return [];
  }
}

/** A part of the call: `call` is given by its parent before it enters the page. */
export abstract class CallElement extends DistalElement {
  @property({ attribute: false }) call!: Call;
}
