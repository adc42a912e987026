import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import type { DragTool } from "../../film/engine";
import type { Preset, PresetName } from "../../film/presets";
import { filmMessages } from "../../i18n/film";
import type { FilmLayout } from "../../protocol/messages";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";
import { icons } from "../icons";
import { whenOther } from "../other";
import { filmIcons } from "./icons";

export type Act =
  | { do: "tool"; tool: DragTool }
  | { do: "preset"; name: PresetName }
  | { do: "layout"; layout: FilmLayout }
  | { do: "thick"; thick: number }
  | { do: "why"; why: string }
  | { do: "invert" | "rotate" | "mirror" | "reset" | "play" | "key" | "link" | "erase" | "save" };

export interface ToolState {
  readonly tool: DragTool;
  readonly layout: FilmLayout;
  readonly presets: readonly Preset[];
  readonly measures: boolean;
  readonly planes: { readonly why: string | null } | null; // null: never for such pictures
  readonly thick: number | null; // mm, of a cut
  readonly many: boolean; // pictures to play
  readonly playing: boolean;
  readonly inverted: boolean;
  readonly key: boolean;
  readonly linked: boolean;
  readonly marked: boolean;
  readonly saves: boolean; // may keep what is seen
}

interface Button {
  id: string;
  label: string;
  icon: TemplateResult;
  act: Act;
  on?: boolean;
  off?: boolean; // cannot be used now
  why?: string | null; // cannot be used here, for a reason that is told
  key?: string;
}

const ALL = 1236; // pixels that the whole row takes, in the longer language
const MOST = 700; // and without its rarer half
const THICK_MM = [0, 5, 10, 20, 40];

/** One row of tools; where there is no room for all, the rarer ones are in a sheet. */
@customElement("distal-film-tools")
export class DistalFilmTools extends DistalElement {
  @property({ attribute: false, ...whenOther }) now!: ToolState;
  @state() private width = 0;
  @query("dialog") private readonly sheet!: HTMLDialogElement | null;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        background: var(--surface);
      }
      .row {
        display: flex;
        align-items: center;
        gap: 2px;
        padding: 2px var(--space-1);
        overflow-x: auto;
        scrollbar-width: none;
      }
      button {
        flex: none;
        flex-direction: column;
        gap: 0;
        min-width: 52px;
        padding: 2px var(--space-1);
        font-size: 12px;
        line-height: 1.3;
      }
      button[aria-disabled="true"] {
        opacity: 0.55;
      }
      button[aria-pressed="true"] {
        background: var(--accent-soft);
        color: var(--accent-text);
      }
      .gap {
        flex: none;
        width: 1px;
        height: 28px;
        background: var(--line);
        margin: 0 var(--space-1);
      }
      select {
        flex: none;
        width: auto;
        max-width: 132px;
        font-size: var(--type-caption);
        padding: 0 var(--space-2);
      }
      dialog {
        margin: auto 0 0;
        width: 100vw;
        max-width: none;
        border-width: 1px 0 0;
        border-radius: 16px 16px 0 0;
        padding: var(--space-3) var(--space-4) max(var(--space-4), env(safe-area-inset-bottom));
      }
      dialog header {
        display: flex;
        justify-content: space-between;
        align-items: center;
      }
      dialog select {
        max-width: none;
        margin-bottom: var(--space-2);
      }
      dialog .grid {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(84px, 1fr));
        gap: var(--space-1);
      }
      dialog .grid button {
        min-height: 60px;
        font-size: var(--type-caption);
      }
      @media (max-width: 719px) {
        .row {
          gap: 0;
        }
        .row button {
          flex: 1 0 auto;
          min-width: 48px;
          min-height: 48px;
        }
        select {
          max-width: 96px;
          font-size: 16px;
          padding: 0 var(--space-1);
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  override disconnectedCallback(): void {
    this.#observer.disconnect();
    super.disconnectedCallback();
  }

  readonly #observer = new ResizeObserver(([entry]) => {
    if (entry) this.width = entry.contentRect.width;
  });

  override render() {
    const t = filmMessages();
    const { main, marks, picture, layouts } = this.#buttons();
    const all = this.width >= ALL;
    const most = this.width >= MOST;
    const gap = all ? html`<span class="gap"></span>` : nothing;
    const inRow = {
      main: most ? main : main.filter(({ id }) => id !== "zoom" && id !== "pan"),
      marks: most ? marks : marks.slice(0, this.now.thick === null ? 1 : 0),
      picture: all ? picture : picture.slice(0, most ? 2 : 1),
      layouts: all ? layouts : [],
    };
    const shown = new Set(Object.values(inRow).flat());
    const rest = [...main, ...marks, ...picture, ...layouts].filter((each) => !shown.has(each));
    return html`
      <div class="row" role="toolbar" aria-label=${t.tools}>
        ${inRow.main.map((each) => this.#button(each))} ${gap}
        ${inRow.marks.map((each) => this.#button(each))} ${gap} ${this.#presets()}
        ${most ? this.#thickness() : nothing} ${inRow.picture.map((each) => this.#button(each))}
        ${gap} ${inRow.layouts.map((each) => this.#button(each))}
        ${
          all
            ? nothing
            : this.#button({
                id: "more",
                label: t.more,
                icon: icons.more,
                act: { do: "tool", tool: this.now.tool },
              })
        }
      </div>
      ${all ? nothing : this.#moreSheet(rest, most)}
    `;
  }

  #buttons(): Record<"main" | "marks" | "picture" | "layouts", Button[]> {
    const t = filmMessages();
    const { now } = this;
    const tool = (name: DragTool): Button => ({
      id: name,
      label: t.tool[name],
      icon: filmIcons[name],
      act: { do: "tool", tool: name },
      on: now.tool === name,
      off: !now.measures && ["length", "angle", "ellipse", "probe"].includes(name),
    });
    const layout = (name: FilmLayout, why: string | null = null): Button => ({
      id: `layout-${name}`,
      label: t.layout[name],
      icon: filmIcons[name],
      act: why ? { do: "why", why } : { do: "layout", layout: name },
      on: now.layout === name,
      why,
    });
    const cut = now.thick !== null;
    const asAcquired = (button: Button): Button[] => (cut ? [] : [button]);
    return {
      main: [
        ...(cut ? [tool("cross")] : []),
        tool("scroll"),
        tool("window"),
        tool("zoom"),
        tool("pan"),
      ],
      marks: [tool("length"), tool("angle"), tool("ellipse"), tool("probe")],
      picture: [
        ...asAcquired({
          id: "play",
          label: now.playing ? t.stop : t.play,
          icon: now.playing ? filmIcons.stop : filmIcons.play,
          act: { do: "play" },
          on: now.playing,
          off: !now.many,
          key: "Space",
        }),
        {
          id: "invert",
          label: t.invert,
          icon: filmIcons.invert,
          act: { do: "invert" },
          on: now.inverted,
          key: "I",
        },
        ...asAcquired({
          id: "rotate",
          label: t.rotate,
          icon: filmIcons.rotate,
          act: { do: "rotate" },
          key: "R",
        }),
        ...asAcquired({
          id: "mirror",
          label: t.mirror,
          icon: filmIcons.mirror,
          act: { do: "mirror" },
          key: "F",
        }),
        { id: "reset", label: t.reset, icon: filmIcons.reset, act: { do: "reset" }, key: "0" },
        ...asAcquired({
          id: "key",
          label: t.keyImage,
          icon: filmIcons.key,
          act: { do: "key" },
          on: now.key,
          key: "K",
        }),
        ...(now.saves
          ? asAcquired({ id: "save", label: t.save, icon: filmIcons.save, act: { do: "save" } })
          : []),
        {
          id: "erase",
          label: t.removeMarks,
          icon: filmIcons.erase,
          act: { do: "erase" },
          off: !now.marked,
        },
      ],
      layouts: [
        layout("one"),
        layout("two"),
        ...(now.planes ? [layout("planes", now.planes.why)] : []),
        ...(now.layout === "two"
          ? [
              {
                id: "link",
                label: t.linked,
                icon: filmIcons.link,
                act: { do: "link" } as const,
                on: now.linked,
              },
            ]
          : []),
      ],
    };
  }

  #presets() {
    const t = filmMessages();
    const names: PresetName[] = ["stored", "auto", ...this.now.presets.map(({ name }) => name)];
    return html`<select
      aria-label=${t.preset}
      data-testid="film-preset"
      @change=${(event: Event) => {
        const select = event.target as HTMLSelectElement;
        this.#act({ do: "preset", name: select.value as PresetName });
        select.value = "";
      }}
    >
      <option value="" selected disabled hidden>${t.preset}</option>
      ${names.map((name) => html`<option value=${name}>${t.presets[name]}</option>`)}
    </select>`;
  }

  /** How thick the planes cut: of a slab, its brightest values. */
  #thickness() {
    const t = filmMessages();
    const { thick } = this.now;
    if (thick === null) return nothing;
    return html`<select
      aria-label=${t.thick}
      data-testid="film-thick"
      .value=${String(thick)}
      @change=${(event: Event) =>
        this.#act({ do: "thick", thick: Number((event.target as HTMLSelectElement).value) })}
    >
      ${THICK_MM.map(
        (mm) =>
          html`<option value=${mm} ?selected=${mm === thick}>
            ${mm === 0 ? t.thin : t.brightest(mm)}
          </option>`,
      )}
    </select>`;
  }

  #button({ id, label, icon, act, on, off, why, key }: Button) {
    const pressed = on === undefined ? nothing : String(on);
    return html`<button
      data-testid="film-${id}"
      aria-pressed=${pressed}
      ?disabled=${off ?? false}
      aria-disabled=${why ? "true" : nothing}
      title=${why ?? (key ? `${label} (${key})` : label)}
      @click=${() => (id === "more" ? this.sheet?.showModal() : this.#act(act))}
    >
      ${icon}<span>${label}</span>
    </button>`;
  }

  #moreSheet(buttons: readonly Button[], most: boolean) {
    const t = filmMessages();
    const close = (): void => this.sheet?.close();
    return html`<dialog
      aria-label=${t.more}
      @click=${(event: Event) => {
        if (event.target === this.sheet) close();
      }}
    >
      <header>
        <h2>${t.more}</h2>
        <button aria-label=${t.cancel} @click=${close}>${icons.close}</button>
      </header>
      ${most ? nothing : this.#thickness()}
      <div class="grid" @click=${close}>${buttons.map((button) => this.#button(button))}</div>
    </dialog>`;
  }

  #act(act: Act): void {
    this.dispatchEvent(new CustomEvent<Act>("act", { detail: act }));
  }
}
