"""`python -m loadtests.robot_faults.real.arm_process MEMORY`: the arm, in real time.

The physics of clients/robot/mujoco_arm.py with a controller's manners: a velocity counts for 20 ms.
It writes down where the probe truly is and what it truly presses, whatever has become of the rest.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
from pathlib import Path

from clients.robot.mujoco_arm import MujocoArm
from clients.robot.servo import beats, prompt
from clients.robot.servo_messages import clock_us
from control.gate import STILL, Motion
from control.vectors import length
from loadtests.robot_faults.real.memory import Memory
from loadtests.robot_faults.sensor import Sensor

ALONE_US = 20_000
DRAW_EVERY = 16
LOOK_EVERY = 625
PRIORITY = 3  # above a servo's


def main() -> None:
    """Until the process that started it is gone."""
    memory, parent = Memory(Path(sys.argv[1])), os.getppid()
    arm, sensor = MujocoArm(clock_us, seed=1), Sensor(random.Random(1))
    prompt(realtime=True)
    with contextlib.suppress(OSError):  # it stands for hardware: no servo on this machine delays it
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    before_us = clock_us()
    for number, (now_us, _) in enumerate(beats()):
        told_us, *motion = memory.told.read()
        a, b, c, d, e, f = motion
        heard = now_us - told_us <= ALONE_US
        arm.move(Motion((a, b, c), (d, e, f)) if heard else STILL, (now_us - before_us) / 1e6)
        before_us = now_us
        sensed = sensor(arm.sense(), memory.sensor)
        position, orientation = arm.pose()
        memory.sensed.write(sensed.at_us, *position, *orientation, *sensed.force, *sensed.torque)
        felt_n = length(sensed.force)
        at_us = now_us - arm.model.opt.timestep * 1e6  # MuJoCo's poses are of before its last step
        memory.add(at_us, *position, *orientation, arm.contact_n(), felt_n)
        if number % DRAW_EVERY == 0:
            points = [value for point in arm.points() for value in point]
            memory.drawn.write(*points, *arm.joints())
        if number % LOOK_EVERY == 0 and os.getppid() != parent:
            return


if __name__ == "__main__":
    main()
