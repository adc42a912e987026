/** What the parts of the viewer ask of it: `viewer.ts` is this to each of them. */

import type { DicomWeb } from "../../film/dicomweb";
import type { Drawing } from "../../film/drawing";
import type { DragTool, Engine } from "../../film/engine";
import type { Marks } from "../../film/marks";
import type { Series } from "../../film/study";
import type { FilmLayout, FilmPane } from "../../protocol/messages";
import type { SharedFilm } from "../../state/film";
import type { Cuts } from "./cuts";
import type { Following } from "./following";
import type { Kept } from "./kept";
import type { DistalFilmPane } from "./pane";

export interface Screen extends HTMLElement {
  readonly web: DicomWeb;
  readonly study: string;
  readonly shared: SharedFilm | null;
  readonly nameOf: (participant: string) => string;
  readonly mayLead: boolean;
  readonly following: Following;
  readonly cuts: Cuts;
  readonly kept: Kept;

  readonly engine: Engine | null | undefined; // null: the server draws; undefined: on its way
  readonly marks: Marks | null;
  readonly panes: NodeListOf<DistalFilmPane>;
  readonly drawing: Drawing | null; // in the active pane
  readonly tool: DragTool;
  layout: FilmLayout;
  active: number;
  paper: Series | null;
  note: string | null;

  readonly updateComplete: Promise<boolean>;
  requestUpdate(): void;
  take(tool: DragTool): void;
  /** Plays no more. */
  stop(): void;
  /** Asks which series there are. */
  look(): Promise<void>;
  load(uid: string): Promise<Series>;
  readonly loaded: ReadonlyMap<string, Series>;
  /** To be loaded anew. */
  forget(uid: string): void;
  heard(series: Series): void;
  /** Shows a series in a pane; false where it has no such picture. */
  put(pane: DistalFilmPane, uid: string, wanted?: FilmPane): Promise<boolean>;
  /** What the room shows cannot be read here. */
  unopened(error: unknown): void;
}
