/** Which of a robot's tracks is the ultrasound, and which shows the room. Pure. */

import type { Participant, TrackInfo } from "../protocol/messages";

export interface Pictures {
  readonly ultrasound: TrackInfo | null;
  readonly room: TrackInfo | null;
}

export function picturesOf(robot: Participant | undefined): Pictures {
  const videos = robot?.tracks.filter(({ kind }) => kind === "video") ?? [];
  const ultrasound =
    videos.find(({ label }) => label === "ultrasound") ??
    videos.find(({ service_class }) => service_class === "diagnostic") ??
    null;
  const others = videos.filter((track) => track !== ultrasound);
  return { ultrasound, room: others.find(({ label }) => label === "room") ?? others[0] ?? null };
}
