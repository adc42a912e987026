"""`python -m clients.robot --url http://127.0.0.1:8080 --token-file FILE`: a robot's site agent."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from clients.living import live
from clients.robot.agent import SiteAgent
from clients.robot.mark import Marked
from clients.robot.operator import PORT, serve
from clients.robot.recorder import Recorder
from clients.robot.reopened import Reopened
from clients.robot.servo import Settings as ServoSettings
from clients.robot.servo_link import ServoGone
from clients.robot.site import Site
from clients.robot.source import Source, SourceLost
from clients.robot.ultrasound import Simulator
from clients.site import token_reader, websocket_url
from control.orders import Scene
from control.presets import NAMES, preset

LABEL = "模拟超声机械臂 · Simulated ultrasound arm"
# Of the simulated arm (clients/robot/mujoco_arm.py): half an elliptic cylinder under the skin.
SCENE = Scene(
    centre=[0.5, 0.0, 0.0], along=[0, 1, 0], outward=[0, 0, 1], half=[0.18, 0.12], length_m=1.2
)


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m clients.robot", description=__doc__)
    parser.add_argument("--url", required=True, help="the server, such as http://127.0.0.1:8080")
    parser.add_argument("--token-file", required=True, help="file with a bearer token; - for stdin")
    parser.add_argument("--label", default=LABEL, help="what people read of this robot")
    parser.add_argument(
        "--arm",
        default=ServoSettings().arm,
        metavar="MODULE:FACTORY",
        help="the arm's adapter; without it a simulated arm (docs/control.md)",
    )
    parser.add_argument(
        "--arm-options", default={}, type=json.loads, metavar="JSON", help="for its factory"
    )
    parser.add_argument("--preset", choices=NAMES, default="abdomen")
    parser.add_argument(
        "--grant",
        choices=("operator", "at_once"),
        default="operator",
        help="at_once: a demonstration's robot, with nobody beside it",
    )
    parser.add_argument(
        "--machine",
        default="simulated",
        metavar="KIND[:ADDRESS]",
        help="simulated; igtl:HOST:PORT (OpenIGTLink); capture:/dev/video0; file:PATH",
    )
    parser.add_argument("--mark", action="store_true", help="the time in the picture, to measure")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("DISTAL_DATA_DIR", "data")),
        help="for the record of what happened (default: DISTAL_DATA_DIR, or data)",
    )
    parser.add_argument(
        "--operator-port",
        type=int,
        default=PORT,
        help=f"of the operator's page, on this machine only ({PORT}; 0: none)",
    )
    return parser.parse_args(given)


def opened(machine: str) -> Source:
    """Raises SourceLost when it cannot be had, ValueError when it is none."""
    kind, _, address = machine.partition(":")
    match kind:
        case "simulated":
            return Simulator(SCENE)
        case "igtl":
            from clients.robot.igtl import OpenIgtLink  # a site without one need not have it

            return OpenIgtLink(address)
        case "capture" | "file":
            from clients.robot.capture import Capture

            return Capture(address, "v4l2" if kind == "capture" else "")
    raise ValueError(f"no such machine: {machine}")


async def run(chosen: argparse.Namespace) -> int:
    """One site, as the options have it."""
    site = Site(
        label=chosen.label,
        grants=chosen.grant,
        simulated=chosen.arm == ServoSettings().arm,
        servo=ServoSettings(preset=chosen.preset, arm=chosen.arm, arm_options=chosen.arm_options),
        scene=SCENE,
    )
    token = token_reader(chosen.token_file)
    source: Source = await asyncio.to_thread(Reopened, partial(opened, chosen.machine))
    if chosen.mark:
        source = Marked(source)
    with Recorder(chosen.data_dir / "robot", site.servo) as record:
        site.servo.epoch = record.last_epoch()
        site.servo.lock = str(chosen.data_dir / "robot" / "arm.lock")
        async with SiteAgent(websocket_url(chosen.url), token, site, source, record) as agent:
            limits = preset(chosen.preset, site.servo.centre, site.servo.outward).limits
            async with serve(agent, limits, chosen.operator_port) as page:
                if page:
                    print(f"the operator's page: {page}", flush=True)
                return await live(agent.run())


def main(given: Sequence[str] | None = None) -> int:
    chosen = arguments(given)
    logging.basicConfig(level=logging.WARNING, format="robot: %(message)s")
    logging.getLogger("clients.robot").setLevel(logging.INFO)  # what happens is on record
    try:
        return asyncio.run(run(chosen))
    except (OSError, ValueError, ServoGone, SourceLost) as error:
        print(f"robot: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
