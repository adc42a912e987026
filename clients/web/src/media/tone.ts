const NOTES_HZ = [523.25, 659.25, 783.99];
const NOTE_S = 0.28;

/** Plays three soft rising notes on the chosen speaker; resolves when they are over. */
export async function playTone(speakerId: string | null): Promise<void> {
  const context = new AudioContext();
  const sink = context.createMediaStreamDestination();
  NOTES_HZ.forEach((frequency, index) => {
    const start = context.currentTime + 0.05 + index * NOTE_S;
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.25, start + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.001, start + NOTE_S);
    const note = new OscillatorNode(context, { frequency });
    note.connect(gain).connect(sink);
    note.start(start);
    note.stop(start + NOTE_S);
  });
  const player = new Audio();
  player.srcObject = sink.stream;
  if (speakerId !== null && "setSinkId" in player) {
    await player.setSinkId(speakerId).catch(() => undefined);
  }
  await player.play();
  await new Promise((resolve) => setTimeout(resolve, (NOTES_HZ.length * NOTE_S + 0.3) * 1000));
  player.srcObject = null;
  await context.close();
}
