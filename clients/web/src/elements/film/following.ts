/** The viewer and the room: what the presenter shows is shown here, and what is shown here he tells. */

import { html, nothing } from "lit";

import { indexOf } from "../../film/study";
import { asStack, paneOf } from "../../film/planes";
import { filmMessages } from "../../i18n/film";
import type { FilmPane, FilmView } from "../../protocol/messages";
import type { Screen } from "./screen";

export class Following {
  #alone = false;

  constructor(private readonly screen: Screen) {}

  /** He looks around by himself while another leads. */
  get alone(): boolean {
    return this.#alone;
  }

  set alone(alone: boolean) {
    this.#alone = alone;
    this.screen.requestUpdate();
  }

  /** What this page shows, as others can show it. */
  #view(): FilmView | null {
    const panes = [...this.screen.panes].flatMap(({ drawing }) => paneOf(drawing) ?? []);
    if (panes.length === 0) return null;
    if (this.screen.layout === "planes" && panes.length < 3) return null; // they are on their way
    const active = Math.min(this.screen.active, panes.length - 1);
    return { study: this.screen.study, layout: this.screen.layout, panes, active };
  }

  tell(): void {
    if (!this.screen.shared?.leading) return;
    const view = this.#view();
    if (view) this.screen.shared.show(view);
  }

  led(): void {
    if (!this.screen.shared?.led) this.alone = false;
    if (this.screen.shared?.leading) this.tell();
    else this.follow();
    this.screen.requestUpdate();
  }

  /** As the presenter looks at it; the newest of what he shows, whatever comes in between. */
  follow(): void {
    const { shared, study } = this.screen;
    const shown = shared?.view.value;
    if (!shown || this.alone || !shared.led || shown.study !== study) return;
    const view = this.#asShownHere(shown);
    if (!view) return;
    if (this.screen.kept.only) {
      void this.screen.kept.toggleOnly().then(() => this.follow()); // he may go to any picture
      return;
    }
    this.screen.stop();
    if (view.layout === "planes" && this.screen.layout !== "planes") this.screen.take("cross");
    if (view.layout !== "planes" && this.screen.tool === "cross") this.screen.take("scroll");
    const { layout, active, paper } = this.screen;
    if (view.layout !== layout || view.active !== active || paper) {
      this.screen.layout = view.layout;
      this.screen.active = view.active;
      this.screen.paper = null;
    }
    void this.screen.updateComplete.then(() => {
      view.panes.forEach((wanted, at) => void this.#followPane(at, wanted));
    });
  }

  /** The presenter's planes, or where there can be none the picture where they meet. */
  #asShownHere(view: FilmView): FilmView | null {
    if (view.layout !== "planes") return view;
    if (this.screen.engine === null) return asStack(view);
    if (this.screen.engine === undefined) return null;
    const uid = view.panes[0]?.series ?? "";
    const series = this.screen.loaded.get(uid);
    if (!series) {
      void this.screen.load(uid).then(
        (loaded) => {
          this.screen.heard(loaded);
          this.follow();
        },
        () => undefined,
      );
      return null;
    }
    if (this.screen.cuts.why(series) === null) return view;
    return asStack(view);
  }

  async #followPane(at: number, wanted: FilmPane): Promise<void> {
    const pane = this.screen.panes[at];
    if (!pane) return;
    if (pane.series?.uid === wanted.series) {
      const index = indexOf(pane.series, wanted.instance, wanted.frame);
      if (index >= 0) {
        pane.go(index, wanted);
        return;
      }
      this.screen.forget(wanted.series); // it has not arrived here yet
    }
    try {
      await this.screen.put(pane, wanted.series, wanted);
      const newest = this.screen.shared?.view.value?.panes[at];
      if (newest && newest !== wanted && newest.series === wanted.series && !this.alone) {
        const index = indexOf(await this.screen.load(newest.series), newest.instance, newest.frame);
        if (index >= 0) pane.go(index, newest);
      }
    } catch (error) {
      this.screen.unopened(error);
    }
  }

  pointed(): void {
    const cursor = this.alone ? null : (this.screen.shared?.cursor.value ?? null);
    for (const pane of this.screen.panes) pane.point(this.screen.shared?.leading ? null : cursor);
  }

  /** Who touches the pictures while he follows looks around alone, until he comes back. */
  free(): void {
    if (this.screen.shared?.led && !this.alone) {
      this.alone = true;
      this.pointed();
    }
  }

  comeBack(): void {
    this.alone = false;
    this.follow();
    this.pointed();
    this.screen.marks?.take();
  }

  /** Who leads, and the way after him or away. */
  bar() {
    const t = filmMessages();
    const { shared } = this.screen;
    if (!shared) return nothing;
    const presenter = shared.presenter.value;
    const name = presenter === null ? "" : this.screen.nameOf(presenter);
    if (shared.leading) {
      return html`<div class="lead">
        <span class="state on" data-testid="film-state" data-state="leading">${t.leading}</span>
        <button class="quiet" data-testid="film-lead-stop" @click=${() => shared.lead(false)}>
          ${t.leadStop}
        </button>
      </div>`;
    }
    if (presenter === null) {
      if (!this.screen.mayLead) return nothing;
      return html`<div class="lead">
        <button class="quiet" data-testid="film-lead" @click=${() => shared.lead(true)}>
          ${t.lead}
        </button>
      </div>`;
    }
    const elsewhere = shared.view.value && shared.view.value.study !== this.screen.study;
    const away = this.alone || elsewhere;
    return html`<div class="lead">
      <span
        class="state ${away ? "" : "on"}"
        data-testid="film-state"
        data-state=${away ? "alone" : "following"}
        >${away ? t.alone(name) : t.following(name)}</span
      >
      <button
        class=${away ? "primary" : "quiet"}
        data-testid="film-follow"
        @click=${() => {
          if (elsewhere) this.screen.dispatchEvent(new CustomEvent("follow"));
          else if (away) this.comeBack();
          else this.free();
        }}
      >
        ${away ? t.follow : t.lookAlone}
      </button>
    </div>`;
  }
}
