"""A plane's thread that dies or is stuck ends its process: better a restart than deaf rooms.

The child process is a plane with a peer, and SRTP functions that misbehave on the first packet: the
plane calls what it is given, so nothing in the product waits for a test to break it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

# The peer proves itself by an ICE check, so that its next datagram reaches `unprotect`.
CHILD = """
import ctypes, socket, sys, threading, time
from aioice import stun
from media import watchdog
from media._plane import EXTENSIONS, Plane
from media.srtp import FUNCTIONS
from server import logs

logs.configure("info")
how = sys.argv[1]
if how == "throws":  # a C++ exception out of the middle of the core: std::bad_alloc
    library = ctypes.CDLL("libstdc++.so.6")
    unprotect = library._ZSt17__throw_bad_allocv
else:
    unprotect = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: time.sleep(600) or 0)
address = ctypes.cast(unprotect, ctypes.c_void_p).value
watchdog.LOOK_EVERY_S = 0.1
plane = Plane((address,) * len(FUNCTIONS), "127.0.0.1", 0)
watchdog.Watchdog([plane])
plane.add_endpoint(1, "ufrag", "password")
plane.set_srtp(1, 1, 1)
plane.set_receive(1, [0] * EXTENSIONS, False, False, True)
layers = [("", 7, 0)]
assert plane.add_track(2, 1, True, "VP8", "0", "c", 90000, 96, 255, False, False, False, layers)

request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
request.attributes.update(USERNAME="ufrag:peer", PRIORITY=1)
request.attributes["ICE-CONTROLLING"] = 1
request.attributes["USE-CANDIDATE"] = None
request.add_message_integrity(b"password")
request.add_fingerprint()
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(10)
peer.connect(("127.0.0.1", plane.port))
peer.send(bytes(request))
peer.recv(2000)
print(plane.port, flush=True)
sys.stdin.readline()  # it lives until it is told to die
peer.send(bytes([0x80, 96]) + bytes(9) + bytes([7]) + bytes(100))
while True:
    plane.counters()  # as the event loop does; it waits for the plane's lock
    time.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("how", "event"), [("throws", "media_thread_died"), ("hangs", "media_thread_stuck")]
)
def test_the_process_ends_and_says_why(how: str, event: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, how],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(2)  # well beyond what the watchdog grants: a plane without packets turns
        _, stderr = child.communicate("\n", 30)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 70
    said = json.loads(stderr.splitlines()[-1])
    assert (said["event"], said["level"], said["port"]) == (event, "critical", port)
    if how == "throws":
        assert said["reason"] == "std::bad_alloc"
