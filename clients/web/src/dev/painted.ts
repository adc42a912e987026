/** Moving pictures made on a canvas, in place of cameras and screens. */
export function paintedTrack(hue: number, words: string): MediaStreamTrack {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 360;
  const context = canvas.getContext("2d");
  let turn = 0;
  const paint = (): void => {
    if (!context) return;
    turn += 0.05;
    const sky = context.createLinearGradient(0, 0, 0, 360);
    sky.addColorStop(0, `hsl(${hue} 22% 46%)`);
    sky.addColorStop(1, `hsl(${hue} 26% 22%)`);
    context.fillStyle = sky;
    context.fillRect(0, 0, 640, 360);
    context.fillStyle = `hsl(${hue} 30% 70%)`;
    context.beginPath();
    context.arc(320, 150 + 3 * Math.sin(turn), 62, 0, 7);
    context.ellipse(320, 360, 150, 130, 0, 0, 7);
    context.fill();
    context.fillStyle = "#fff";
    context.font = "20px sans-serif";
    context.fillText(words, 16, 32);
  };
  paint();
  setInterval(paint, 100);
  const track = canvas.captureStream(10).getVideoTracks()[0];
  if (!track) throw new Error("the canvas gives no track");
  return track;
}
