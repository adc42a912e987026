"""Who asks for control at a site, and the keys that are agreed with each. No clock, no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from control import orders as o
from control.errors import ControlError, LeaseRefused
from control.keys import NOBODY, Public, Side

ASKING_MAX = 8


@dataclass
class Exchange:
    """With one console. `digits` empty: the console has not shown its key yet."""

    side: Side
    commitment: bytes
    key: bytes = NOBODY
    digits: str = ""


class Grants:
    """`me` is the robot's own name in the room."""

    def __init__(self, me: str) -> None:
        self.me = me
        self.holder = ""
        self.successor = ""  # whom the holder wants to follow
        self.epoch = 0
        self._key = NOBODY
        self._number = -1  # of the holder's last sealed order
        self._asking: dict[str, Exchange] = {}

    @property
    def asking(self) -> Iterator[str]:
        """In the order in which they asked; with digits to compare."""
        return (name for name, exchange in self._asking.items() if exchange.digits)

    def digits(self, name: str) -> str:
        exchange = self._asking.get(name)
        return exchange.digits if exchange else ""

    def ask(self, name: str, order: o.Ask) -> o.Show | o.Denied:
        """Somebody wants control."""
        if name not in self._asking and len(self._asking) >= ASKING_MAX:
            return o.Denied(reason="busy")
        exchange = self._asking[name] = Exchange(Side(), order.commitment)
        return o.Show(point=exchange.side.public.point, nonce=exchange.side.public.nonce)

    def reveal(self, name: str, order: o.Reveal) -> o.Denied | None:
        """Her key; None: all is well, and there are digits."""
        exchange = self._asking.get(name)
        if exchange is None or exchange.digits:
            return o.Denied(reason="exchange")
        try:
            agreed = exchange.side.agree(
                exchange.side.public,
                Public(order.point, order.nonce),
                exchange.commitment,
                (self.me, name),
            )
        except ControlError:
            del self._asking[name]
            return o.Denied(reason="exchange")
        exchange.key, exchange.digits = agreed.key, agreed.digits
        return None

    @property
    def key(self) -> bytes:
        """Of the lease in force."""
        return self._key

    def key_of(self, name: str) -> bytes:
        """Of an exchange that is whole. Raises LeaseRefused."""
        exchange = self._asking.get(name)
        if exchange is None or not exchange.digits:
            raise LeaseRefused("this console does not ask for control any more")
        return exchange.key

    def granted(self, name: str, epoch: int) -> o.Sealed:
        """She has control; what she is told."""
        exchange = self._asking.pop(name)
        self.holder, self.epoch, self.successor = name, epoch, ""
        self._key, self._number = exchange.key, -1
        return o.seal(o.Granted(epoch=epoch, number=0), self._key)

    def ended(self) -> None:
        """Nobody has control."""
        self.holder, self.successor, self._key = "", "", NOBODY

    def forget(self, name: str) -> None:
        """She is denied, or gone."""
        self._asking.pop(name, None)
        if self.successor == name:
            self.successor = ""

    def forget_all(self) -> None:
        """The link is over, and names mean nobody any more."""
        self._asking.clear()
        self.ended()

    def said(self, name: str, sealed: o.Sealed) -> o.FromHolder | None:
        """The holder's word; None: somebody else's, an old one, or made up."""
        if not name or name != self.holder:
            return None
        try:
            order = o.open_from_holder(sealed, self._key)
        except ControlError:
            return None
        if order.epoch != self.epoch or order.number <= self._number:
            return None
        self._number = order.number
        return order
