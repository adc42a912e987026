"""Every setting, once: defaults < TOML file < DISTAL_* environment < flags.

`Settings` is the list; the flags, the environment's names and the test of the documentation are
made from it. A key that nobody knows is an error that says where it stands and what was meant.
"""

from __future__ import annotations

import codecs
import dataclasses
import difflib
import ipaddress
import itertools
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict

from dicom.nodes import DEFAULT_INSTITUTION, Node, Nodes
from media.cores import usable_cores
from media.settings import SERVICE_CLASSES, ClassGroup, RelaySettings
from server.classes import CLASSES, ServiceClassSettings
from signaling.settings import SignalingSettings

Port = Annotated[int, Meta(ge=0, le=65535)]
TURN_URL = re.compile(  # RFC 7065
    r"(?P<scheme>turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:(?P<port>\d{1,5}))?"
    r"(\?transport=(?P<transport>udp|tcp))?",
    re.ASCII,
)
THREADS_MAX = 16
TABLES = (
    "classes",
    "rooms",
    "dicom_nodes",
    "dicomweb_nodes",
    "institutions",
)  # tables of tables: only the TOML file can say them


class ConfigError(Exception):
    """The configuration cannot be served; the message says which setting and what to do."""


class RoomSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A room that is known by a title. Any other room is called by its own name."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]


class DicomNodeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another end of DICOM, by its AE title: a scanner, a workstation, an archive."""

    institution: Annotated[str, Meta(min_length=1, max_length=64)] = DEFAULT_INSTITUTION
    charset: str = ""
    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 104


class DicomWebNodeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An archive that studies can be sent to by STOW-RS."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+[^\s?#]*\Z", max_length=500)]
    token: str = ""


class InstitutionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of those whose data are kept here."""

    sees: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()


def setting(default: Any, text: str) -> Any:
    """Declare one setting with the text that `--help` prints."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that can be configured."""

    host: str = setting("127.0.0.1", "address to listen on; 0.0.0.0 or :: for every one")
    port: Port = setting(8080, "TCP port of the web client and the API; 0 takes a free one")
    media_host: str = setting("", "address for media (UDP) when it is not --host's")
    media_port: Port = setting(
        10000, "UDP port of the first media thread, the others follow; 0 takes free ones"
    )
    media_threads: Annotated[int, Meta(ge=0, le=THREADS_MAX)] = setting(
        0, "threads that move media, each on its own UDP port; 0: one per core, as ports allow"
    )
    media_tcp_port: Port | None = setting(
        None, "TCP port of media where UDP is blocked; default: --media-port's number; 0: none"
    )
    advertise: tuple[str, ...] = setting(
        (), "address that clients send media to, repeatable; default: every local one"
    )
    tls_cert: Path | None = setting(None, "certificate chain, PEM")
    tls_key: Path | None = setting(None, "private key of the certificate, PEM")
    behind_proxy: bool = setting(
        False, "a proxy in front does TLS: believe its X-Forwarded-* headers"
    )
    public_url: str = setting("", "what join links begin with, for example https://care.example")
    allow_origin: tuple[str, ...] = setting(
        (), "another web origin whose pages may connect, repeatable"
    )
    turn_url: tuple[str, ...] = setting(
        (), "TURN server for strict networks, such as turns:turn.example:443?transport=tcp"
    )
    turn_secret_file: Path | None = setting(
        None, "file with the secret that the TURN server shares; default: one in the data directory"
    )
    turn_ttl_s: Annotated[int, Meta(ge=600, le=86_400)] = setting(
        4 * 3600, "how long a participant's TURN credential opens new ways, seconds"
    )
    dicom_port: Port = setting(
        11112, "TCP port where scanners and archives send DICOM (AE title DISTAL); 0: none"
    )
    control_port: Port = setting(
        11000, "UDP port of the control of robots, a process of its own; 0: none"
    )
    last_n: Annotated[int, Meta(ge=1, le=200)] = setting(
        16, "cameras sent to somebody whose page has not said what it shows: the last speakers'"
    )
    data_dir: Path = setting(Path("data"), "directory of keys and data")
    web_dir: Path | None = setting(None, "the built web client, when it is not in its usual place")
    metrics_token: str = setting(
        "", "bearer token for /metrics; without one only this machine may read them"
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting("info", "least to be logged")
    shutdown_s: Annotated[float, Meta(ge=0.1, le=300)] = setting(
        10.0, "longest time that a graceful stop may take"
    )
    reconnect_after_ms: Annotated[int, Meta(ge=0, le=600_000)] = setting(
        2000, "what clients are told to wait before they return after a planned stop"
    )
    classes: Mapping[str, ServiceClassSettings] = field(default_factory=lambda: dict(CLASSES))
    rooms: Mapping[str, RoomSettings] = field(default_factory=dict)
    dicom_nodes: Mapping[str, DicomNodeSettings] = field(default_factory=dict)
    dicomweb_nodes: Mapping[str, DicomWebNodeSettings] = field(default_factory=dict)
    institutions: Mapping[str, InstitutionSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("tls_cert and tls_key come together: give both or neither")
        for text in self.advertise:
            if not _is_address(text):
                raise ConfigError(f"advertise: {text!r} is not an IP address; browsers need one")
        for url in self.turn_url:
            if not TURN_URL.fullmatch(url):
                raise ConfigError(
                    f"turn_url: {url!r} is not turn:HOST:PORT?transport=udp, or tcp, or turns:…"
                )
        if not (is_loopback(self.host) or self.tls or self.behind_proxy):
            raise ConfigError(
                f"refusing to serve {self.host} without encryption: browsers give no camera there"
                " and anybody could listen. Give --tls-cert and --tls-key, or --behind-proxy when"
                " a proxy in front does TLS, or stay on 127.0.0.1"
            )

    @property
    def tls(self) -> bool:
        """Whether this process itself speaks TLS."""
        return self.tls_cert is not None

    @property
    def threads_wanted(self) -> int:
        """Media threads, if the ports allow it."""
        return self.media_threads or min(usable_cores(), THREADS_MAX)

    def relay(self) -> RelaySettings:
        """Tell the relay its ports and marks; classes with one port share a transport."""
        members: dict[int, list[str]] = {}
        for name in SERVICE_CLASSES:
            port = self.classes[name].port
            members.setdefault(self.media_port if port is None else port, []).append(name)
        members.setdefault(self.media_port, [])
        groups = {
            "main" if port == self.media_port else names[0]: ClassGroup(port, tuple(names))
            for port, names in members.items()
        }
        return RelaySettings(
            host=self._media_address(),
            groups=groups,
            threads=self._threads({name: group.port for name, group in groups.items()}),
            fewer_threads=not self.media_threads,
            tcp_port=self._media_tcp_port,
            advertise=self.advertise,
            dscp={name: self.classes[name].dscp for name in SERVICE_CLASSES},
            priorities={name: self.classes[name].priority for name in SERVICE_CLASSES},
        )

    def control(self) -> RelaySettings:
        """Tell the control process its port and its mark."""
        return RelaySettings(
            host=self._media_address(),
            groups={"control": ClassGroup(self.control_port, ("control",))},
            advertise=self.advertise,
            dscp={"control": self.classes["control"].dscp},
            in_loop=True,
        )

    def _threads(self, ports: Mapping[str, int]) -> int:
        """Threads of each group: as many as wanted, with no port twice."""
        wanted = self.threads_wanted
        starts = sorted((port, name) for name, port in ports.items() if port)
        for (low, name), (high, other) in itertools.pairwise([*starts, (65536, "")]):
            if low + wanted <= high:
                continue
            if self.media_threads:
                end = f"{_port_of(other)} is {high}" if other else "65535 is the last"
                raise ConfigError(
                    f"{_port_of(name)}: with media_threads {wanted} it takes UDP {low} to"
                    f" {low + wanted - 1}, but {end}: move one, or give media_threads {high - low}"
                )
            wanted = high - low
        return wanted

    @property
    def _media_tcp_port(self) -> int | None:
        if self.media_tcp_port is None:
            return self.media_port
        return self.media_tcp_port or None

    def _media_address(self) -> str:
        host = self.media_host or self.host
        if host == "localhost":
            return "127.0.0.1"
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            raise ConfigError(
                f"media need an address and {host!r} is a name: give media_host, such as 0.0.0.0"
            ) from None

    def signaling(self) -> SignalingSettings:
        """Tell the signaling whose pages may connect and what rooms are called."""
        return SignalingSettings(
            titles={name: room.title for name, room in self.rooms.items()},
            allow_origins=self.allow_origin,
            behind_proxy=self.behind_proxy,
            last_n=self.last_n,
        )

    def sees(self, institution: str) -> frozenset[str]:
        """Whose data an institution's doctors see: its own, and what it collects from others."""
        named = self.institutions.get(institution, InstitutionSettings())
        return frozenset({institution, *named.sees})

    def nodes(self) -> Nodes:
        """Who may speak DICOM: those listed, and on this machine alone anybody."""
        listed = {
            ae: Node(**asdict(node), sees=tuple(sorted(self.sees(node.institution))))
            for ae, node in self.dicom_nodes.items()
        }
        return Nodes(listed, anybody=is_loopback(self.host) and not listed)


@dataclass(frozen=True)
class Option:
    """One setting as flags and environment know it."""

    name: str
    type: Any
    default: Any
    help: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def env(self) -> str:
        return "DISTAL_" + self.name.upper()

    @property
    def many(self) -> bool:
        return get_origin(self.type) is tuple

    @property
    def switch(self) -> bool:
        return self.type is bool


def options() -> Iterator[Option]:
    """List the settings that a flag or the environment can say."""
    hints = get_type_hints(Settings, include_extras=True)
    for item in dataclasses.fields(Settings):
        if item.name not in TABLES:
            yield Option(item.name, hints[item.name], item.default, item.metadata["help"])


def load(
    environment: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    file: Path | None = None,
    base: Mapping[str, Any] | None = None,
) -> Settings:
    """Put the layers together. `flags` holds only what was said; `base` replaces defaults."""
    known = {option.name: option for option in options()}
    merged: dict[str, Any] = dict(base or {})
    if file is not None:
        merged |= _from_file(file, known)
    by_env = {option.env: option for option in known.values()}
    for name, text in environment.items():
        if not name.startswith("DISTAL_") or name == "DISTAL_CONFIG":
            continue
        if name not in by_env:
            raise ConfigError(f"environment: {name} is not known{_meant(name, by_env)}")
        option = by_env[name]
        said: Any = [part.strip() for part in text.split(",") if part.strip()]
        merged[option.name] = _typed(said if option.many else text, option.type, name, strict=False)
    for name, value in (flags or {}).items():
        option = known[name]
        merged[name] = _typed(value, option.type, option.flag, strict=False)
    return Settings(**merged)


def _port_of(group: str) -> str:
    return "media_port" if group == "main" else f"classes.{group}.port"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _from_file(file: Path, known: Mapping[str, Option]) -> dict[str, Any]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {file}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None
    values: dict[str, Any] = {}
    for name, value in content.items():
        where = f"{file}: {name}"
        if name == "classes":
            values[name] = _classes(value, where)
        elif name == "rooms":
            values[name] = _typed(value, dict[str, RoomSettings], where)
        elif name == "dicom_nodes":
            values[name] = _nodes(value, where)
        elif name == "dicomweb_nodes":
            values[name] = _typed(value, dict[str, DicomWebNodeSettings], where)
        elif name == "institutions":
            values[name] = _typed(value, dict[str, InstitutionSettings], where)
        elif name in known:
            values[name] = _typed(value, known[name].type, where)
        else:
            raise ConfigError(f"{where} is not known{_meant(name, [*known, *TABLES])}")
    return values


def _classes(table: Any, where: str) -> dict[str, ServiceClassSettings]:
    """Lay the file's table over the default one, so that one line can change one port."""
    classes = dict(CLASSES)
    for name, changes in _typed(table, dict[str, dict[str, Any]], where).items():
        if name not in classes:
            raise ConfigError(f"{where}.{name} is not a service class{_meant(name, classes)}")
        whole = msgspec.structs.asdict(classes[name]) | changes
        classes[name] = _typed(whole, ServiceClassSettings, f"{where}.{name}")
    return classes


def _nodes(table: Any, where: str) -> dict[str, DicomNodeSettings]:
    nodes = _typed(table, dict[str, DicomNodeSettings], where)
    for title, node in nodes.items():
        if not (0 < len(title) <= 16 and title.isascii() and title == title.strip()):
            raise ConfigError(f"{where}.{title}: an AE title has 1 to 16 ASCII characters")
        try:
            codecs.lookup(node.charset or "ascii")
        except LookupError:
            raise ConfigError(
                f"{where}.{title}.charset: {node.charset} is not known; gb18030, for example, is"
            ) from None
    return dict(nodes)


def _typed(value: Any, kind: Any, where: str, strict: bool = True) -> Any:
    if kind is bool and isinstance(value, str):
        value = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(
            value.lower(), value
        )
    try:
        return msgspec.convert(value, kind, strict=strict, dec_hook=_path)
    except msgspec.ValidationError as error:
        text = str(error).replace(" - at `$", " - at `").removesuffix(" - at ``")
        raise ConfigError(f"{where}: {text[:1].lower()}{text[1:]}") from None


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    raise msgspec.ValidationError("expected a path")


def _meant(name: str, names: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
