"""An ultrasound machine in a process of its own, that can be killed: pyigtl's real server.

`python -m tests.clients.robot.machine PORT BRIGHTNESS` sends bright pictures by OpenIGTLink.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pyigtl

from tests.server_process import ROOT

HEIGHT, WIDTH = 48, 64


@contextlib.contextmanager
def machine(port: int, brightness: int = 200) -> Iterator[None]:
    """One that runs; it is killed at the end, without a word to its clients."""
    command = [sys.executable, "-m", __name__, str(port), str(brightness)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"sends\n"
        yield
    finally:
        process.kill()
        process.wait()


def main(port: int, brightness: int) -> None:
    server = pyigtl.OpenIGTLinkServer(port=port, local_server=True)
    print("sends", flush=True)
    image = np.full((1, HEIGHT, WIDTH), brightness, np.uint8)
    while True:
        if server.is_connected():
            server.send_message(pyigtl.ImageMessage(image, device_name="Image"), wait=False)
        time.sleep(0.04)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
