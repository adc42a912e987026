"""Time-domain passivity: the hand gets no more energy out of the network than it has put in.

Hannaford and Ryu 2002: force by displacement is energy; what the hand loses is stored, what it
gains is taken from there, and a force is shown only as far as the store can pay for it. So the
network, the robot and the body behind it are passive to whoever holds the device, whatever the
delay, the jitter and the loss between them. The work of a force is booked by how far the hand has
really moved under it; where that was more than was foreseen, the difference is taken back by
damping. The store is small: energy that was spent on seconds of quiet work shall not come back in
one kick.
"""

from __future__ import annotations

from dataclasses import dataclass

from control.vectors import ZERO, Vector, dot, finite, minus, times

STORE_MAX_J = 0.05  # half a kilogram at half a metre a second
DAMPING_MAX_N_S_M = 20.0  # more makes a sampled device buzz


@dataclass
class Passivity:
    """At one hand. `put_in_j` is all that it has spent, for the record and for the other side."""

    store_max_j: float = STORE_MAX_J
    store_j: float = 0.0
    put_in_j: float = 0.0
    shown: Vector = ZERO

    def show(self, force: Vector, moved: Vector, velocity: Vector, step_s: float) -> Vector:
        """The part of a force (N) that may be shown to a hand with this velocity (m/s) for a step.

        `moved`: how far (m) it has gone since the last call, under the force that was shown then.
        What is too much is taken from the force along the velocity; across it a force does no work.
        """
        if not finite(force, moved, velocity):
            self.shown = ZERO
            return ZERO
        work = dot(self.shown, moved)
        self.put_in_j += max(-work, 0.0)
        self.store_j = min(self.store_j - work, self.store_max_j)
        speed2 = dot(velocity, velocity)
        gain = dot(force, velocity) * step_s
        allowed = max(self.store_j, -DAMPING_MAX_N_S_M * speed2 * step_s)
        if gain > allowed and speed2 > 0:
            force = minus(force, times(velocity, (gain - allowed) / (speed2 * step_s)))
        self.shown = force
        return force
