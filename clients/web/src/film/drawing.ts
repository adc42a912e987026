/** What draws one series in one pane: Cornerstone's stack, or plain pictures from the server. */

import type { Stack } from "./stack";
import type { Look } from "./look";
import type { Window } from "./presets";
import type { Picture, Series } from "./study";

export type Place = [number, number]; // CSS pixels within the pane
export type World = [number, number, number]; // mm, in the picture's frame of reference

export interface DrawingNews {
  /** Another picture, or another look at it. */
  changed(): void;
  /** A picture could not be loaded or decoded. */
  failed(detail: string): void;
}

export interface Drawing {
  readonly element: HTMLElement;
  readonly stack: Stack | null; // Cornerstone's, which can measure
  readonly series: Series | null;
  /** The picture that is on the screen. */
  readonly shown: Picture | null;
  /** Which picture is on the screen, or on its way there. */
  index: number;
  look: Look;
  /** Shows a series from one of its pictures on; false when another was opened meanwhile. */
  open(series: Series, index: number): Promise<boolean>;
  /** Null: as the object asks for. */
  window(window: Window | null): void;
  autoWindow(): void;
  reset(): void;
  resized(): void;
  worldAt(place: Place): World | null;
  placeOf(world: readonly number[]): Place | null;
  close(): void;
}
