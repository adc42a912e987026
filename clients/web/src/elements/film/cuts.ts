/** The layout of three planes: into it from a picture, and back to the picture where they met. */

import type { Drawing } from "../../film/drawing";
import { FIRST_LOOK } from "../../film/look";
import { whyNotCut } from "../../film/solid";
import { indexOf, type Series } from "../../film/study";
import { filmMessages } from "../../i18n/film";
import type { Wanted } from "./pane";
import type { Screen } from "./screen";

export class Cuts {
  constructor(private readonly screen: Screen) {}

  /** Why there can be no planes of it here; null: there can. */
  why(series: Series): string | null {
    const t = filmMessages();
    if (!this.screen.engine?.cuts) return t.noPlanes.graphics;
    const why = whyNotCut(series);
    return why && t.noPlanes[why];
  }

  /** A series in three planes, which meet in the middle of what is on the screen. */
  async cut(series: Series, from: Drawing | null): Promise<void> {
    const { clientWidth, clientHeight } = from?.element ?? this.screen;
    const wanted: Wanted = {
      ...FIRST_LOOK,
      voi: from?.look.voi ?? null,
      invert: from?.look.invert ?? false,
      focus: from?.worldAt([clientWidth / 2, clientHeight / 2]) ?? null,
    };
    this.screen.layout = "planes";
    this.screen.active = 0;
    this.screen.take("cross");
    await this.screen.updateComplete;
    await Promise.all([...this.screen.panes].map((pane) => pane.show(series, 0, wanted)));
    this.screen.requestUpdate();
  }

  /** Back to the picture where the planes met. */
  leave(): void {
    const drawing = this.screen.drawing;
    const { series, shown } = drawing ?? {};
    const { voi, invert } = drawing?.look ?? FIRST_LOOK;
    this.screen.layout = "one";
    this.screen.active = 0;
    if (this.screen.tool === "cross") this.screen.take("scroll");
    const pane = this.screen.panes[0];
    const back = series ?? pane?.series;
    if (!back || !pane) return;
    const index = shown ? Math.max(0, indexOf(back, shown.instance, shown.frame)) : 0;
    void this.screen.updateComplete.then(() =>
      pane.show(back, index, { ...FIRST_LOOK, voi, invert }),
    );
  }

  /** Not everybody in the room may see planes: both sides are told. */
  noteTogether(): string | null {
    const t = filmMessages();
    const { shared } = this.screen;
    if (shared?.view.value?.layout !== "planes") return null;
    if (shared.leading) return t.planesLed;
    if (!shared.led || this.screen.following.alone || this.screen.layout === "planes") return null;
    return t.planesElsewhere(this.screen.nameOf(shared.presenter.value ?? ""));
  }
}
