/** Links to one study, as the doctors who made them see them: `server/share_api.py`. */

import { askAs } from "../film/dicomweb";

export type Audience = "patient" | "doctor";
export type Factor = "birth_date" | "code";
export type LinkState = "ready" | "preparing" | "expired" | "revoked" | "closed" | "failed";

export interface Link {
  readonly name: string;
  readonly audience: Audience;
  readonly factor: Factor;
  readonly deidentified: boolean;
  readonly made_by: string;
  readonly made_ms: number;
  readonly expires_ms: number;
  readonly state: LinkState;
  readonly locked_until_ms: number;
  readonly accesses: number;
  readonly last_ms: number | null;
  readonly done: number; // objects, while it is prepared, of so many
  readonly count: number;
  readonly shown: number; // objects, once it is prepared
  readonly withheld: number;
}

export interface Links {
  readonly factors: readonly Factor[];
  readonly links: readonly Link[];
}

/** A new link; its address and its digits are told once. */
export interface NewLink {
  readonly url: string;
  readonly digits: string;
  readonly link: Link;
}

export interface LinkWish {
  readonly study: string;
  readonly audience: Audience;
  readonly factor: Factor;
  readonly ttl_s: number;
  readonly deidentified: boolean;
}

export type LinkEventKind =
  | "made"
  | "prepared"
  | "failed"
  | "looked"
  | "wrong"
  | "locked"
  | "opened"
  | "viewed"
  | "downloaded"
  | "refused"
  | "revoked";

export interface LinkEvent {
  readonly at_ms: number;
  readonly kind: LinkEventKind;
  readonly who: string;
  readonly remote: string;
  readonly user_agent: string;
}

/** All calls may throw FilmProblem. */
export class ShareLinks {
  constructor(private readonly token: string) {}

  of(study: string): Promise<Links> {
    return askAs(this.token, `/api/shares?study=${study}`);
  }

  make(wish: LinkWish): Promise<NewLink> {
    return askAs(this.token, "/api/shares", "POST", wish);
  }

  revoke(name: string): Promise<Link> {
    return askAs(this.token, `/api/shares/${name}`, "DELETE");
  }

  async events(name: string): Promise<readonly LinkEvent[]> {
    const said = await askAs<{ events: LinkEvent[] }>(this.token, `/api/shares/${name}/events`);
    return said.events;
  }
}
