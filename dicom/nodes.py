"""Who may speak DICOM with us: the other ends, by their AE titles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_INSTITUTION = "default"


@dataclass(frozen=True)
class Node:
    """One scanner, workstation or archive."""

    institution: str = DEFAULT_INSTITUTION
    charset: str = ""  # of text that says none or Latin-1, as Python calls it: gb18030
    host: str = ""  # where C-MOVE sends to; empty: it cannot be a destination
    port: int = 104
    sees: tuple[str, ...] = ()  # institutions whose data it finds; none said: its own

    @property
    def institutions(self) -> frozenset[str]:
        """Whose data it finds."""
        return frozenset(self.sees or (self.institution,))


@dataclass(frozen=True)
class WebNode:
    """An archive that takes STOW-RS."""

    url: str  # of its DICOMweb
    token: str = ""  # bearer


@dataclass(frozen=True)
class Nodes:
    """The allow-list. `anybody`: who is not listed belongs to the default institution."""

    listed: Mapping[str, Node] = field(default_factory=dict)
    anybody: bool = False

    def calling(self, ae: str) -> Node | None:
        """Who calls; None: nobody that we know."""
        return self.listed.get(ae) or (Node() if self.anybody else None)

    def destination(self, ae: str) -> Node | None:
        """Where to send for this title."""
        node = self.listed.get(ae)
        return node if node and node.host else None
