let loading: Promise<unknown> | null = null;

/** Fetches the ultrasound console when it is first wanted; tried again with the next drawing. */
export function loadConsole(host: { requestUpdate(): void }): void {
  loading ??= import("./ultrasound/ultrasound");
  loading.catch(() => {
    loading = null;
    setTimeout(() => host.requestUpdate(), 3000);
  });
}
