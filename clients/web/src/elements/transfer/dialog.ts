import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import { FilmProblem } from "../../film/dicomweb";
import { Transfers, underWay, type Transfer } from "../../film/transfers";
import { moment } from "../../i18n/share";
import { transferMessages } from "../../i18n/transfer";
import { shared } from "../../style/shared";
import { FilmDialog } from "../film/dialog";

const LOOK_MS = 1000;

/** For a doctor: send a study to another archive, and see how far it is. */
@customElement("distal-transfer-dialog")
export class DistalTransferDialog extends FilmDialog {
  @property() token = "";
  @property() study = "";
  @property({ attribute: false }) nodes: readonly string[] = [];
  @state() private known: readonly Transfer[] = [];
  @state() private wrong = false;
  @query("select") private readonly node!: HTMLSelectElement;
  #transfers = new Transfers("");
  #timer: ReturnType<typeof setTimeout> | undefined;

  static override styles = [
    shared,
    css`
      dialog {
        width: min(480px, calc(100vw - 2 * var(--space-4)));
      }
      header,
      form,
      li {
        display: flex;
        align-items: center;
        gap: var(--space-3);
      }
      h2,
      .to,
      .how {
        flex: 1;
        min-width: 0;
      }
      form {
        align-items: end;
        margin: var(--space-3) 0 var(--space-4);
      }
      .wrong,
      .problem {
        color: var(--danger-text);
      }
      li {
        padding: var(--space-2) 0;
        border-top: 1px solid var(--line);
      }
      progress {
        width: 100%;
        accent-color: var(--accent);
      }
    `,
  ];

  override disconnectedCallback(): void {
    clearTimeout(this.#timer);
    super.disconnectedCallback();
  }

  protected override firstUpdated(): void {
    this.#transfers = new Transfers(this.token);
    super.firstUpdated();
    void this.#look();
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#try(async () => {
      this.known = await this.#transfers.of(this.study);
    });
    if (this.isConnected && this.known.some(underWay)) {
      this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
    }
  }

  async #try(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.wrong = false;
    } catch (error) {
      if (!(error instanceof FilmProblem)) throw error;
      this.wrong = true;
    }
  }

  readonly #send = async (event: Event): Promise<void> => {
    event.preventDefault();
    await this.#try(() => this.#transfers.ask(this.study, this.node.value));
    await this.#look();
  };

  async #cancel(one: Transfer): Promise<void> {
    await this.#try(() => this.#transfers.cancel(one));
    await this.#look();
  }

  override render() {
    const t = transferMessages();
    const content = html` <form @submit=${this.#send}>
        <div class="to">
          <label for="node">${t.to}</label>
          <select id="node" data-testid="transfer-node">
            ${this.nodes.map((node) => html`<option>${node}</option>`)}
          </select>
        </div>
        <button class="primary" data-testid="transfer-send">${t.start}</button>
      </form>
      ${this.wrong ? html`<p class="wrong" role="alert">${t.trouble}</p>` : nothing}
      ${
        this.known.length > 0
          ? html`<h3>${t.earlier}</h3>
              <ul>
                ${this.known.map((one) => this.#row(one))}
              </ul>`
          : nothing
      }`;
    return this.frame(t.title, t.close, "transfer-close", content);
  }

  #row(one: Transfer) {
    const t = transferMessages();
    return html`<li data-testid="transfer" data-state=${one.state}>
      <div class="how">
        <strong>${one.node}</strong>
        <span role="status">${t.state[one.state]}</span>
        <p class="caption numbers">${moment(one.asked_ms)} · ${t.progress(one)}</p>
        ${one.state === "failed" ? html`<p class="caption problem">${one.problem}</p>` : nothing}
        ${
          underWay(one)
            ? html`<progress max=${one.total || 1} value=${one.sent}></progress>`
            : nothing
        }
      </div>
      ${
        underWay(one)
          ? html`<button class="quiet" @click=${() => void this.#cancel(one)}>${t.cancel}</button>`
          : nothing
      }
    </li>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-transfer-dialog": DistalTransferDialog;
  }
}
