import "./elements/app";
import { socketUrl } from "./protocol/address";
import { Consultation } from "./state/consultation";
import "./style/tokens.css";
import type { DataChannels } from "./media/data";
import type { TrackStats } from "./media/stats";

declare global {
  interface Window {
    /** For support and browser tests. */
    distal: { stats(): Promise<TrackStats[]>; data: DataChannels };
  }
}

const code = /^\/join\/([\w-]+)\/?$/.exec(location.pathname)?.[1] ?? null;
const page = /^\/(network|film)(?:\/|$)/.exec(location.pathname)?.[1];
const first = page === "network" || page === "film" ? page : "home";
const consultation = new Consultation(code, socketUrl(), first);
window.distal = Object.freeze({ stats: () => consultation.stats(), data: consultation.data });

if (location.pathname.startsWith("/shared/")) {
  void import("./elements/share/page").then(() =>
    document.body.append(document.createElement("distal-shared-page")),
  );
} else {
  const app = document.createElement("distal-app");
  app.call = consultation;
  document.body.append(app);
  void consultation.start();
}
