import { css, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { cameraAt, project, VIEWS, type Camera, type Orbit, type Spot } from "../../control/camera";
import { shapesOf, vector, type Part, type Shape } from "../../control/scene";
import { plus, times } from "../../control/vectors";
import { shared } from "../../style/shared";
import { ConsoleElement, Drawn } from "./element";

const TURN = 0.008; // radians a pixel
const FILL: Record<Part, [string, string]> = {
  table: ["#1b2329", "#2a333a"],
  body: ["rgb(196 160 140 / 30%)", "rgb(220 186 166 / 35%)"],
  arm: ["#8fa3ae", "#8fa3ae"],
  joint: ["#5f7480", "#5f7480"],
  probe: ["#d7e2e8", "#5f7480"],
  plane: ["rgb(99 195 212 / 28%)", "rgb(99 195 212 / 80%)"],
  force: ["#e3ad4f", "#e3ad4f"],
};

interface Drawing {
  readonly shape: Shape;
  readonly spots: readonly Spot[];
  readonly depth: number;
}

/** Arm, probe and body in space, from the robot's own figures. */
@customElement("distal-pose")
export class DistalPose extends ConsoleElement {
  @state() private known = false;
  @state() private fresh = false;
  @query("canvas") private readonly canvas!: HTMLCanvasElement | null;
  #orbit: Orbit = VIEWS.side;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        position: relative;
        min-height: 0;
        background: var(--picture);
        border-radius: var(--radius);
        overflow: hidden;
        color: var(--picture-text);
      }
      canvas {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        touch-action: none;
        cursor: grab;
      }
      .name,
      .old {
        position: absolute;
        left: var(--space-2);
        padding: 0 6px;
        border-radius: 6px;
        background: var(--picture-shade);
        font-size: var(--type-caption);
        pointer-events: none;
      }
      .name {
        top: var(--space-2);
      }
      .old {
        top: 34px;
        color: #f0c272;
      }
      .views {
        position: absolute;
        right: var(--space-1);
        bottom: var(--space-1);
        display: flex;
      }
      .views button {
        min-height: 28px;
        min-width: 0;
        padding: 0 var(--space-2);
        font-size: var(--type-caption);
        background: var(--picture-shade);
      }
    `,
  ];

  constructor() {
    super();
    new Drawn(this, () => this.#draw());
  }

  override render() {
    const { c } = this;
    return html`<canvas
        role="img"
        aria-label=${c.pose}
        title=${c.poseText}
        @pointerdown=${this.#grab}
        @pointermove=${this.#turn}
      ></canvas>
      <span class="name">${c.pose}</span>
      ${
        this.known && this.fresh
          ? nothing
          : html`<span class="old">${this.known ? c.poseOld : c.poseNone}</span>`
      }
      <div class="views" role="group" aria-label=${c.pose}>
        ${(["side", "top", "front"] as const).map(
          (view) =>
            html`<button @click=${() => (this.#orbit = VIEWS[view])}>${c.view[view]}</button>`,
        )}
      </div>`;
  }

  readonly #grab = (event: PointerEvent): void => {
    this.canvas?.setPointerCapture(event.pointerId);
  };

  readonly #turn = (event: PointerEvent): void => {
    if (!this.canvas?.hasPointerCapture(event.pointerId)) return;
    const { yaw, pitch, distance } = this.#orbit;
    this.#orbit = {
      yaw: yaw - event.movementX * TURN,
      pitch: Math.min(1.5, Math.max(-0.2, pitch + event.movementY * TURN)),
      distance,
    };
  };

  #draw(): void {
    const { canvas } = this;
    const scene = this.console.standing.value.state?.scene;
    const context = canvas?.getContext("2d");
    if (!canvas || !context || canvas.clientWidth === 0) return;
    const ratio = Math.min(devicePixelRatio, 2);
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const seen = this.console.newest();
    this.known = seen !== null;
    this.fresh = this.console.figures.value.fresh;
    if (!scene) return;
    const outward = vector(scene.outward);
    const middle = plus(vector(scene.centre), times(outward, 0.2));
    const camera = cameraAt(middle, vector(scene.along), outward, this.#orbit);
    const depthM = (this.console.standing.value.state?.imaging.depth_mm ?? 100) / 1000;
    const drawings = shapesOf(scene, seen, depthM).flatMap((shape) =>
      drawingOf(shape, camera, width, height),
    );
    drawings.sort((a, b) => b.depth - a.depth);
    context.globalAlpha = seen && !this.fresh ? 0.5 : 1;
    for (const drawing of drawings) paint(context, drawing, Math.min(width, height));
  }
}

function drawingOf(shape: Shape, camera: Camera, width: number, height: number): Drawing[] {
  const spots = shape.points.map((point) => project(camera, point, width, height));
  if (!spots.every((spot) => spot !== null)) return [];
  const mean = spots.reduce((sum, { depth }) => sum + depth, 0) / spots.length;
  const behind = shape.part === "table" ? 10 : 0; // whatever stands on it
  return [{ shape, spots, depth: mean + behind }];
}

function paint(context: CanvasRenderingContext2D, { shape, spots, depth }: Drawing, size: number) {
  const [fill, line] = FILL[shape.part];
  const [first] = spots;
  if (!first) return;
  const radius = ((shape.radius ?? 0) * 1.5 * size) / depth;
  context.beginPath();
  if (spots.length === 1) {
    context.arc(first.x, first.y, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    return;
  }
  context.moveTo(first.x, first.y);
  for (const { x, y } of spots.slice(1)) context.lineTo(x, y);
  context.strokeStyle = line;
  if (spots.length === 2) {
    context.lineWidth = Math.max(2, 2 * radius);
    context.lineCap = "round";
    context.stroke();
    return;
  }
  context.closePath();
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1;
  context.stroke();
}
