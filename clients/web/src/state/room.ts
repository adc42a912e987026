/**
 * The room as its members see it: what the server said at the door, changed by each event since.
 * `apply` is pure; everything that is drawn of the room follows from its result.
 */

import type {
  ServerEvent,
  ChatLine,
  CodecPreferences,
  Participant,
  RobotInfo,
  RoomState,
  Shortage,
  TrackInfo,
  WaitingPerson,
} from "../protocol/messages";

export interface Room {
  readonly self: string;
  readonly title: string;
  readonly locked: boolean;
  readonly startedAtMs: number;
  readonly codecs: CodecPreferences;
  readonly participants: readonly Participant[];
  readonly chat: readonly ChatLine[];
  readonly waiting: readonly WaitingPerson[];
  readonly activeSpeaker: string | null;
  readonly robots: readonly RobotInfo[];
  readonly players: number; // who watch from outside, without being in the room
  readonly spoke: readonly string[]; // participants, the last speaker first
  readonly shortages: ReadonlyMap<string, Shortage>; // of one's own network, by track; else none
}

const CHAT_LINES = 500; // kept in the page; older ones are gone for the eye anyway

export function roomOf(state: RoomState, self: string): Room {
  return {
    self,
    title: state.title,
    locked: state.locked,
    startedAtMs: state.started_at_ms,
    codecs: state.codecs,
    participants: state.participants,
    chat: state.chat,
    waiting: state.waiting,
    activeSpeaker: state.active_speaker,
    players: state.players,
    robots: state.robots,
    spoke: state.active_speaker === null ? [] : [state.active_speaker],
    shortages: new Map(),
  };
}

function withParticipant(
  room: Room,
  id: string,
  change: (participant: Participant) => Participant,
): Room {
  return { ...room, participants: room.participants.map((p) => (p.id === id ? change(p) : p)) };
}

function withTrack(room: Room, track: TrackInfo): Room {
  return withParticipant(room, track.participant, (p) => ({
    ...p,
    tracks: [...p.tracks.filter((t) => t.id !== track.id), track],
  }));
}

function withShortage(room: Room, track: string, shortage: Shortage): Room {
  const shortages = new Map(room.shortages);
  if (shortage === "none") shortages.delete(track);
  else shortages.set(track, shortage);
  return { ...room, shortages };
}

export function apply(room: Room, event: ServerEvent): Room {
  switch (event.type) {
    case "participant_joined":
      return {
        ...room,
        participants: [
          ...room.participants.filter((p) => p.id !== event.participant.id),
          event.participant,
        ],
      };
    case "participant_updated":
      return withParticipant(room, event.participant, (p) => ({
        ...p,
        state: event.state,
        hand_raised_at_ms: event.hand_raised_at_ms,
      }));
    case "participant_left":
      return {
        ...room,
        participants: room.participants.filter((p) => p.id !== event.participant),
        spoke: room.spoke.filter((id) => id !== event.participant),
        activeSpeaker: room.activeSpeaker === event.participant ? null : room.activeSpeaker,
      };
    case "track_added":
    case "track_updated":
      return withTrack(room, event.track);
    case "track_removed":
      return withShortage(
        withParticipant(room, event.participant, (p) => ({
          ...p,
          tracks: p.tracks.filter((t) => t.id !== event.track),
        })),
        event.track,
        "none",
      );
    case "shortage_changed":
      return withShortage(room, event.track, event.shortage);
    case "codecs_changed":
      return { ...room, codecs: event.codecs };
    case "active_speaker":
      return {
        ...room,
        activeSpeaker: event.participant,
        spoke:
          event.participant === null
            ? room.spoke
            : [event.participant, ...room.spoke.filter((id) => id !== event.participant)],
      };
    case "players_changed":
      return { ...room, players: event.players };
    case "quality": {
      const news = new Map(event.participants.map((q) => [q.participant, q]));
      return {
        ...room,
        participants: room.participants.map((p) => {
          const quality = news.get(p.id);
          return quality ? { ...p, quality } : p;
        }),
      };
    }
    case "chat_added":
      return { ...room, chat: [...room.chat, event.line].slice(-CHAT_LINES) };
    case "waiting_changed":
      return { ...room, waiting: event.waiting };
    case "room_locked":
      return { ...room, locked: event.locked };
    case "robots_changed":
      return { ...room, robots: event.robots };
    case "admitted":
    case "ice_servers_changed":
    case "data_closed":
    case "film_changed":
    case "film_moved":
    case "layers_wanted":
    case "limit_changed":
    case "subscribe_offer":
    case "mute_asked":
    case "removed":
    case "server_closing":
      return room;
    default:
      event satisfies never; // of a newer server: this page is older, and goes on
      return room;
  }
}

export function participantOf(room: Room, id: string | null): Participant | undefined {
  return room.participants.find((p) => p.id === id);
}

export function trackOf(room: Room, id: string): TrackInfo | undefined {
  for (const participant of room.participants) {
    const track = participant.tracks.find((t) => t.id === id);
    if (track) return track;
  }
  return undefined;
}

/** Hands in the order in which they went up, then the others as they came. */
export function byHand(participants: readonly Participant[]): Participant[] {
  const at = (p: Participant): number => p.hand_raised_at_ms ?? Number.POSITIVE_INFINITY;
  return [...participants].sort((a, b) => (at(a) === at(b) ? 0 : at(a) - at(b)));
}
