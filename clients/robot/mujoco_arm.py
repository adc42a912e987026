"""An arm in MuJoCo: seven joints, a force sensor with its bias and noise, and a body that yields.

Velocities of the probe become velocities of the joints by damped least squares, and these move the
targets of stiff position servos, as in an arm that one buys. The same seed and the same calls give
the same motion, so it serves in virtual time as well as before an operator's eyes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from control.gate import STILL, Motion
from control.messages import Quaternion
from control.sensors import Sensed
from control.vectors import ZERO, Vector, cross, length, minus, plus, times

MODEL = Path(__file__).with_name("arm.xml")
SKIN: Vector = (0.5, 0.0, 0.12)  # where the body is highest
OUTWARD: Vector = (0.0, 0.0, 1.0)
HALF = (0.18, 0.12)  # m, the body's half width and height above the table
ALONG: Vector = (0.0, 1.0, 0.0)
HOME_M = 0.08  # above the skin
JOINTS = 7
DAMPING = 0.02  # of the least squares, m and rad
POSTURE_PER_S = 0.5  # back to the posture at home, where the task leaves it free
LEAD_RAD = 0.05  # of the servos' targets: what pushes against the arm is not pushed harder for ever
JOINT_RAD_S = 1.5
STEP_MAX_S = 0.002  # of the physics
MOVE_MAX_S = 0.05  # time that was lost before is not made up for
LOOK_EVERY = 8  # steps; 16 ms, two millimetres
FILTER_S = 0.004  # of the force sensor
NOISE_N, NOISE_N_M = 0.03, 0.001
BIAS_N, BIAS_N_M = 1.0, 0.02  # a sensor's own, before it is tared
TARE_STEPS = 200
SOFT_N_M, HARD_N_M = 350.0, 900.0  # belly, and towards the ribs
RIBS_M, RIBS_WIDE_M = 0.09, 0.03  # along the body from its middle
G = 9.81


class MujocoArm:
    """`clock` gives µs. The physics take the steps that `move` is called with, or parts of them."""

    def __init__(
        self,
        clock: Callable[[], int],
        *,
        seed: int = 0,
        breath_m: float = 0.003,
        breaths_per_s: float = 0.25,
    ) -> None:
        self._clock = clock
        self._chance = random.Random(seed)  # noqa: S311 (noise)
        self._breath_m, self._breath_rad_s = breath_m, 2 * math.pi * breaths_per_s
        self.model = model = mujoco.MjModel.from_xml_path(str(MODEL))
        self.data = mujoco.MjData(model)
        self._step_s, self._time_s = STEP_MAX_S, 0.0
        self._face, self._mount = model.site("face").id, model.site("mount").id
        probe = model.body("probe").id
        self._mass, self._lever = float(model.body_mass[probe]), _vector(model.body_ipos[probe])
        self._reach = _vector(model.site_pos[self._face] - model.site_pos[self._mount])
        self._jacobian = np.zeros((6, model.nv))
        self._inverse = np.zeros((JOINTS, 6))
        self._rest = np.zeros((JOINTS, JOINTS))
        self._steps = 0
        self._force, self._torque = ZERO, ZERO  # filtered, at the mount, in its frame
        self._bias = self._about(BIAS_N), self._about(BIAS_N_M)
        self._quaternion, self._wrench = np.zeros(4), np.zeros(6)
        drawn = ("link0", "link1", "link2", "link4", "link6", "probe")
        self._drawn = [model.body(name).id for name in drawn]
        self._eye = np.eye(JOINTS)
        self._posed: tuple[int, tuple[Vector, Quaternion]] | None = None
        self._go_home()
        for _ in range(TARE_STEPS):
            self._advance(0.0)
        self._tare = self._force, self._torque

    # Arm

    def sense(self) -> Sensed:
        data = self.data
        turn = data.site_xmat[self._mount].tolist()
        force = minus(self._force, self._tare[0])
        torque = minus(minus(self._torque, self._tare[1]), cross(self._reach, force))
        force, torque = _turned(turn, force), _turned(turn, torque)
        a, b, c = self._about(NOISE_N)
        return Sensed(
            self._clock(),
            *self.pose(),
            plus(force, (a, b, c)),
            plus(torque, times((b, c, a), NOISE_N_M / NOISE_N)),
        )

    def move(self, motion: Motion, step_s: float) -> None:
        parts = math.ceil(min(step_s, MOVE_MAX_S) / STEP_MAX_S - 1e-6)
        self._step_s = self.model.opt.timestep = min(step_s, MOVE_MAX_S) / max(parts, 1)
        for _ in range(parts):
            self._advance(self._joint_speeds(motion))

    def stop(self) -> None:
        self.data.ctrl[:] = self.data.qpos[:JOINTS]

    def close(self) -> None:
        self.stop()

    def points(self) -> list[Vector]:
        joints = [_vector(self.data.xpos[body]) for body in self._drawn]
        return [*joints, self.pose()[0]]

    def joints(self) -> list[float]:
        return [float(angle) for angle in self.data.qpos[:JOINTS]]

    def pose(self) -> tuple[Vector, Quaternion]:
        """Of the probe's face."""
        if self._posed is None or self._posed[0] != self._steps:
            mujoco.mju_mat2Quat(self._quaternion, self.data.site_xmat[self._face])
            w, x, y, z = self._quaternion.tolist()
            self._posed = self._steps, (_vector(self.data.site_xpos[self._face]), (w, x, y, z))
        return self._posed[1]

    # The truth, which no sensor tells

    def contact_n(self) -> float:
        """The force between probe and body, as the physics has it."""
        total = ZERO
        for number in range(self.data.ncon):
            mujoco.mj_contactForce(self.model, self.data, number, self._wrench)
            local = self._wrench[:3] @ self.data.contact[number].frame.reshape(3, 3)
            total = plus(total, _vector(local))
        return length(total)

    def skin_m(self) -> float:
        """How far the skin is pressed in (negative) or breathed out, at its top."""
        return float(self.data.qpos[JOINTS])

    # Within

    def _about(self, sigma: float) -> Vector:
        gauss = self._chance.gauss
        return gauss(0, sigma), gauss(0, sigma), gauss(0, sigma)

    def _look(self) -> None:
        """What changes slowly: the arm's inverse here, and the body's stiffness."""
        jacobian, model, data = self._jacobian, self.model, self.data
        mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], self._face)
        j = jacobian[:, :JOINTS]
        squared = j @ j.T
        squared.flat[::7] += DAMPING * DAMPING
        self._inverse = np.linalg.solve(squared, j).T
        self._rest = (self._eye - self._inverse @ j) * POSTURE_PER_S
        along = float(data.site_xpos[self._face, 1])
        ribs = 1 / (1 + math.exp(-(along - RIBS_M) / RIBS_WIDE_M * 4))
        model.jnt_stiffness[JOINTS] = SOFT_N_M + (HARD_N_M - SOFT_N_M) * ribs

    def _joint_speeds(self, motion: Motion) -> Any:
        if motion == STILL:
            return 0.0
        speeds = self._inverse @ (*motion.linear, *motion.turning)
        speeds += self._rest @ (self._home - self.data.qpos[:JOINTS])
        return speeds.clip(-JOINT_RAD_S, JOINT_RAD_S)

    def _advance(self, speeds: Any) -> None:
        data, model = self.data, self.model
        if self._steps % LOOK_EVERY == 0:
            self._look()
        at = data.qpos[:JOINTS]
        data.ctrl[:] = (data.ctrl + speeds * self._step_s).clip(at - LEAD_RAD, at + LEAD_RAD)
        breath = self._breath_m * math.sin(self._breath_rad_s * self._time_s)
        model.qpos_spring[JOINTS] = breath
        mujoco.mj_step(model, data)
        self._steps += 1
        self._time_s += self._step_s
        self._measure()

    def _measure(self) -> None:
        """The body's wrench on the probe at the mount, without the probe's weight, with a bias."""
        x, y, z, a, b, c = self.data.sensordata.tolist()
        down = self.data.site_xmat[self._mount].tolist()[6:]  # the base's z in the probe's frame
        weight = times((down[0], down[1], down[2]), -self._mass * G)
        force = minus((-x, -y, -z), weight)
        torque = minus((-a, -b, -c), cross(self._lever, weight))
        k = self._step_s / (FILTER_S + self._step_s)
        force, torque = plus(force, self._bias[0]), plus(torque, self._bias[1])
        self._force = plus(self._force, times(minus(force, self._force), k))
        self._torque = plus(self._torque, times(minus(torque, self._torque), k))

    def _go_home(self) -> None:
        """The posture with the probe over the body, pointing straight into it."""
        model, data = self.model, self.data
        data.qpos[:JOINTS] = (0.0, -0.1, 0.0, 1.6, 0.0, 1.6, 0.0)
        target = np.array(SKIN) + HOME_M * np.array(OUTWARD)
        error, turn = np.zeros(6), np.zeros(9)
        mujoco.mju_quat2Mat(turn, np.array((0.0, 1.0, 0.0, 0.0)))
        for _ in range(100):
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            error[:3] = target - data.site_xpos[self._face]
            quaternion = np.zeros(4)
            between = turn.reshape(3, 3) @ data.site_xmat[self._face].reshape(3, 3).T
            mujoco.mju_mat2Quat(quaternion, between.ravel())
            mujoco.mju_quat2Vel(error[3:], quaternion, 1.0)
            jacobian = self._jacobian
            mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], self._face)
            j = jacobian[:, :JOINTS]
            squared = j @ j.T + 1e-4 * np.eye(6)
            data.qpos[:JOINTS] += j.T @ np.linalg.solve(squared, error)
        self._home = data.qpos[:JOINTS].copy()
        data.ctrl[:] = self._home
        mujoco.mj_forward(model, data)


def _turned(turn: list[float], v: Vector) -> Vector:
    a, b, c, d, e, f, g, h, i = turn
    x, y, z = v
    return a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z


def _vector(array: Any) -> Vector:
    x, y, z = array.tolist()
    return x, y, z
