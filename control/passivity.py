"""Time-domain passivity: the hand gets no more energy out of the network than it has put in.

Hannaford and Ryu 2002: at the hand, force by velocity is power; what the hand loses is stored, what
it gains is taken from there, and a force is shown only as far as the store can pay for it. So the
network, the robot and the body behind it are passive to whoever holds the device, whatever the
delay, the jitter and the loss between them. The store is small: energy that was spent on
seconds of quiet work shall not come back in one kick.
"""

from __future__ import annotations

from dataclasses import dataclass

from control.vectors import ZERO, Vector, dot, finite, minus, times

STORE_MAX_J = 0.05  # half a kilogram at half a metre a second


@dataclass
class Passivity:
    """At one hand. `put_in` is all that it has spent, for the record and for the other side."""

    store_max_j: float = STORE_MAX_J
    store_j: float = 0.0
    put_in_j: float = 0.0

    def show(self, force: Vector, velocity: Vector, step_s: float) -> Vector:
        """The part of a force (N) that may be shown to a hand with this velocity (m/s).

        What is too much is taken from the force along the velocity; across it a force does no work.
        """
        if not finite(force, velocity):
            return ZERO
        power = dot(force, velocity)
        energy = power * step_s
        if energy <= 0:  # the hand works against it
            self.put_in_j -= energy
            self.store_j = min(self.store_j - energy, self.store_max_j)
            return force
        given = min(energy, self.store_j)
        self.store_j -= given
        if given == energy:
            return force
        along = times(velocity, power / dot(velocity, velocity))
        return minus(force, times(along, 1 - given / energy))
