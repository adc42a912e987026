import { LitElement, css, html } from "lit";
import { customElement, property, query } from "lit/decorators.js";

/** Shows one video track and nothing else; sound is played elsewhere, so it is always muted. */
@customElement("distal-video")
export class DistalVideo extends LitElement {
  @property({ attribute: false }) track: MediaStreamTrack | null = null;
  @property({ type: Boolean, reflect: true }) mirrored = false;
  @property({ reflect: true }) fit: "contain" | "cover" = "contain";
  @property() label = "";
  @query("video") readonly video!: HTMLVideoElement;

  static override styles = css`
    :host {
      display: block;
      background: var(--picture);
    }
    video {
      display: block;
      width: 100%;
      height: 100%;
      object-fit: contain;
    }
    :host([fit="cover"]) video {
      object-fit: cover;
    }
    :host([mirrored]) video {
      transform: scaleX(-1);
    }
  `;

  override render() {
    return html`<video
      muted
      autoplay
      playsinline
      disablepictureinpicture
      aria-label=${this.label}
    ></video>`;
  }

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (!changed.has("track")) return;
    this.video.muted = true; // the attribute alone does not count for elements made by script
    this.video.srcObject = this.track ? new MediaStream([this.track]) : null;
    if (this.track) void this.video.play().catch(() => undefined);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.video.srcObject = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.requestUpdate("track");
  }
}
