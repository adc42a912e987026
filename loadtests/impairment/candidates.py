"""Session descriptions that lead a client to the emulator instead of the server."""

from __future__ import annotations

from collections.abc import Mapping

Address = tuple[str, int]


def through(sdp: str, emulators: Mapping[int, Address]) -> str:
    """Put the emulator of the server's UDP port in the place of each media section's candidates.

    What is left of a section is one UDP host candidate with the first one's foundation, component
    and priority: TCP and relayed ones go, because a client would go round the emulator by them. A
    UDP candidate on a port without an emulator raises ValueError for the same reason.
    """
    ending = "\r\n" if "\r\n" in sdp else "\n"
    out: list[str] = []
    done: set[Address] = set()
    for line in sdp.split(ending):
        if line.startswith("m="):
            done = set()
        if line.startswith("a=candidate:"):
            foundation, component, transport, priority, _, port, _, kind = line[12:].split()[:8]
            if transport.lower() != "udp" or kind == "relay":
                continue
            if int(port) not in emulators:
                raise ValueError(f"a candidate on port {port}, for which there is no emulator")
            address = emulators[int(port)]
            if address in done:
                continue
            done.add(address)
            host, own = address
            line = f"a=candidate:{foundation} {component} udp {priority} {host} {own} typ host"
        out.append(line)
    return ending.join(out)
