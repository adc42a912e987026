"""`distal`: serve, demo, token, turn-config, check, dicom-quarantine, dicom-shares."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from server.config import ConfigError, Option, Settings, load, options

CANNOT_START = 2  # also argparse's code for a wrong flag


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what cannot be done is one line on stderr."""
    said = _parser().parse_args(arguments)
    try:
        return int(said.run(said))
    except ConfigError as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        return 130


def _serve(said: argparse.Namespace) -> int:
    from server.run import announced

    return _run(_settings(said), announced)


def _demo(said: argparse.Namespace) -> int:
    from server.demo import demo_settings, demonstration

    quiet = _settings(said, log_level="warning")  # the links stay on the screen
    return _run(demo_settings(quiet, lan=said.lan), demonstration)


def _run(settings: Settings, during: Any) -> int:
    from server import logs
    from server.keys import KeyFileError
    from server.run import StartError, run

    logs.configure(settings.log_level)
    try:
        asyncio.run(run(settings, during))
    except (StartError, KeyFileError) as error:
        _refuse(str(error))
    return 0


def _token(said: argparse.Namespace) -> int:
    from server.identity import IdentityError, make_token
    from server.keys import KeyFileError

    try:
        token = make_token(
            _settings(said).data_dir, said.room, said.role, said.name, said.institution, said.ttl
        )
    except (IdentityError, KeyFileError) as error:
        _refuse(str(error))
    print(token)
    return 0


def _turn_config(said: argparse.Namespace) -> int:
    from server.keys import KeyFileError
    from server.turn import secret, turnserver_conf

    settings = _settings(said)
    try:
        print(turnserver_conf(settings, secret(settings)), end="")
    except KeyFileError as error:
        _refuse(str(error))
    return 0


def _check(said: argparse.Namespace) -> int:
    from server.check import check

    return check(_settings(said))


def _dicom_quarantine(said: argparse.Namespace) -> int:
    from dicom.operator import quarantined

    for line in quarantined(_settings(said).data_dir / "dicom"):
        print(line)
    return 0


def _dicom_shares(said: argparse.Namespace) -> int:
    from dicom.operator import share_events

    for line in share_events(_settings(said).data_dir / "dicom"):
        print(line)
    return 0


def _settings(said: argparse.Namespace, **base: Any) -> Settings:
    flags = {
        option.name: value
        for option in options()
        if (value := getattr(said, option.name, None)) is not None
    }
    named = said.config or os.environ.get("DISTAL_CONFIG") or None
    return load(os.environ, flags, Path(named) if named else None, base)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="distal", description="Care at a distance.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group(
        "settings", "Each may also stand in the environment (--media-port: DISTAL_MEDIA_PORT)"
    )
    group.add_argument("--config", metavar="FILE", default=None, help="TOML file with settings")
    for option in options():
        _add(group, option)

    serve = commands.add_parser("serve", parents=[common], help="run the server")
    serve.set_defaults(run=_serve)
    demo = commands.add_parser(
        "demo", parents=[common], help="run the server with a demonstration consultation"
    )
    demo.add_argument(
        "--lan", action="store_true", help="serve the local network, with a certificate of its own"
    )
    demo.set_defaults(run=_demo)
    token = commands.add_parser("token", parents=[common], help="print a bearer token")
    token.add_argument("--room", required=True)
    token.add_argument("--role", required=True)
    token.add_argument("--name", default=None, help="what others see; else the client asks")
    token.add_argument("--institution", default="")
    token.add_argument("--ttl", type=int, default=3600, metavar="SECONDS")
    token.set_defaults(run=_token)
    turn = commands.add_parser(
        "turn-config", parents=[common], help="print a configuration for the TURN server coturn"
    )
    turn.set_defaults(run=_turn_config)
    check = commands.add_parser("check", parents=[common], help="is this machine fit?")
    check.set_defaults(run=_check)
    aside = commands.add_parser(
        "dicom-quarantine", parents=[common], help="list the DICOM objects that were not kept"
    )
    aside.set_defaults(run=_dicom_quarantine)
    links = commands.add_parser(
        "dicom-shares", parents=[common], help="list what happened to links that share images"
    )
    links.set_defaults(run=_dicom_shares)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when asked."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: Any,
        _flag: str | None = None,
    ) -> None:
        print(f"distal {version('distal')}")
        raise SystemExit(0)


def _add(group: argparse._ArgumentGroup, option: Option) -> None:
    """Take what was said as text; `config.load` gives it its type and its error."""
    text = option.help
    if option.default not in ((), "", None, False):
        text += f" (default {option.default})"
    if option.switch:
        group.add_argument(option.flag, action=argparse.BooleanOptionalAction, help=text)
    elif option.many:
        group.add_argument(option.flag, action="append", metavar="VALUE", help=text)
    else:
        group.add_argument(option.flag, metavar="VALUE", help=text)


def _refuse(why: str) -> NoReturn:
    print(f"distal: {why}", file=sys.stderr)
    raise SystemExit(CANNOT_START)


if __name__ == "__main__":
    sys.exit(main())
