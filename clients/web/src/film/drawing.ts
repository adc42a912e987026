/** What draws one series in one pane: Cornerstone's stack, or plain pictures from the server. */

import type { FilmPlane } from "../protocol/messages";
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

/** What a drawing has that is no acquired picture but a cut through all of them. */
export interface Cut {
  readonly plane: Exclude<FilmPlane, "acquired">;
  /** Where the planes meet; null until all pictures are there. */
  focus: World | null;
  /** Millimetres of which the brightest is shown; 0: one slice. */
  thick: number;
  /** Pictures that have arrived, while not all have. */
  readonly progress: number | null;
}

export interface Drawing {
  readonly element: HTMLElement;
  readonly stack: Stack | null; // Cornerstone's, with marks that the room shares
  readonly cut: Cut | null;
  readonly series: Series | null;
  /** The picture that is on the screen. */
  readonly shown: Picture | null;
  /** Which picture is on the screen, or on its way there. */
  index: number;
  /** How many there are: pictures, or slices of a plane. */
  readonly count: number;
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
  /** Where a share of the picture's columns and rows is in the pane. */
  placeAt(share: readonly [number, number]): Place | null;
  close(): void;
}
