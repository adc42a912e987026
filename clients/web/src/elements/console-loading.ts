const AGAIN_MS = 3000;

let state: "wanted" | "loading" | "loaded" = "wanted";

/**
 * Fetches the ultrasound console when it is first wanted; true when it is there. Its element must not
 * be on the page before: it would miss what is given to it at its birth.
 */
export function consoleLoaded(host: { requestUpdate(): void }): boolean {
  if (state === "wanted") {
    state = "loading";
    void import("./ultrasound/ultrasound").then(
      () => {
        state = "loaded";
        host.requestUpdate();
      },
      () => {
        state = "wanted";
        setTimeout(() => host.requestUpdate(), AGAIN_MS);
      },
    );
  }
  return state === "loaded";
}
