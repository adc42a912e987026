"""What the ultrasound machine shows in these runs: a film, which costs little to play.

The faults ask how old a picture is, not what is on it; the simulator would take a third of a core.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, RATE, SECONDS = 160, 120, 20, 10


def write(path: Path) -> None:
    """A bar that goes round."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(RATE * SECONDS):
            picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
            picture[:, 4 * number % (WIDTH - 20) :][:, :20] = 200
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
