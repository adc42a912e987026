"""`python -m clients.robot --url http://127.0.0.1:8080 --token-file FILE`: a robot's site agent."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from clients.participant import Dismissed
from clients.protocol_client import RequestError
from clients.robot.agent import Site, SiteAgent
from clients.robot.servo import Settings as ServoSettings
from clients.robot.servo_link import ServoGone
from clients.robot.ultrasound import Simulator
from clients.site import token_reader, websocket_url
from control.orders import Scene
from control.presets import NAMES

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
    parser.add_argument("--preset", choices=NAMES, default="abdomen")
    parser.add_argument(
        "--grant",
        choices=("operator", "at_once"),
        default="operator",
        help="at_once: a demonstration's robot, with nobody beside it",
    )
    return parser.parse_args(given)


async def run(chosen: argparse.Namespace) -> int:
    """Live until SIGTERM or SIGINT (0), dismissal (0) or refusal (1)."""
    site = Site(
        label=chosen.label,
        grants=chosen.grant,
        servo=ServoSettings(preset=chosen.preset),
        scene=SCENE,
    )
    token = token_reader(chosen.token_file)
    source = await asyncio.to_thread(Simulator, SCENE)
    async with SiteAgent(websocket_url(chosen.url), token, site, source) as agent:
        living = asyncio.create_task(agent.run())
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        living.cancel()
        try:
            await living
        except asyncio.CancelledError:
            return 0
        except Dismissed as dismissed:
            print(f"dismissed: {dismissed}", file=sys.stderr)
            return 0
        except RequestError as refused:
            print(f"refused: {refused}", file=sys.stderr)
            return 1
    return 0


def main(given: Sequence[str] | None = None) -> int:
    chosen = arguments(given)
    logging.basicConfig(level=logging.WARNING, format="robot: %(message)s")
    logging.getLogger("clients.robot").setLevel(logging.INFO)  # what happens is on record
    try:
        return asyncio.run(run(chosen))
    except (OSError, ValueError, ServoGone) as error:
        print(f"robot: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
