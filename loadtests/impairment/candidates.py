"""Session descriptions that lead a client to the emulator instead of the server."""

from __future__ import annotations


def through(sdp: str, address: tuple[str, int]) -> str:
    """Put one UDP host candidate at `address` in the place of each media section's candidates.

    All others go, TCP and relayed ones too, because a client would go round the emulator by them.
    Component, foundation and priority stay those of the section's first. A description that has no
    candidates, such as an answer whose section is rejected, stays as it is.
    """
    ending = "\r\n" if "\r\n" in sdp else "\n"
    out: list[str] = []
    replaced = False
    for line in sdp.split(ending):
        if line.startswith("m="):
            replaced = False
        if not line.startswith("a=candidate:"):
            out.append(line)
        elif not replaced:
            replaced = True
            foundation, component, _, priority = line.removeprefix("a=candidate:").split()[:4]
            host, port = address
            out.append(
                f"a=candidate:{foundation} {component} udp {priority} {host} {port} typ host"
            )
    return ending.join(out)
