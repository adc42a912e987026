"""Settings: each layer over the one below, and an error that says where a mistake stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from media.settings import SERVICE_CLASSES
from server.classes import CLASSES
from server.config import ConfigError, Settings, load, options

WriteToml = Callable[[str], Path]


@pytest.fixture
def toml(tmp_path: Path) -> WriteToml:
    def write(text: str) -> Path:
        path = tmp_path / "distal.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_each_layer_lies_over_the_one_below(toml: WriteToml) -> None:
    file = toml("port = 1001\nmedia_port = 1002\nlog_level = 'debug'\n")
    settings = load({"DISTAL_PORT": "2001", "DISTAL_MEDIA_PORT": "2002"}, {"port": "3001"}, file)
    assert (settings.port, settings.media_port) == (3001, 2002)
    assert settings.log_level == "debug"
    assert settings.host == "127.0.0.1"


def test_the_environment_gives_every_type() -> None:
    settings = load(
        {
            "DISTAL_ADVERTISE": "192.0.2.1, 2001:db8::1",
            "DISTAL_BEHIND_PROXY": "yes",
            "DISTAL_DATA_DIR": "/srv/distal",
            "DISTAL_SHUTDOWN_S": "2.5",
            "PATH": "/bin",
        }
    )
    assert settings.advertise == ("192.0.2.1", "2001:db8::1")
    assert settings.behind_proxy is True
    assert settings.data_dir == Path("/srv/distal")
    assert settings.shutdown_s == 2.5


def test_every_option_is_understood_by_the_environment() -> None:
    for option in options():
        if option.default in ((), None, ""):
            continue
        settings = load({option.env: str(option.default)})
        assert getattr(settings, option.name) == option.default


@pytest.mark.parametrize(
    ("environment", "text", "expected"),
    [
        ({"DISTAL_PROT": "1"}, "", "DISTAL_PROT is not known (did you mean DISTAL_PORT?)"),
        ({"DISTAL_PORT": "abc"}, "", "DISTAL_PORT: expected `int`"),
        ({"DISTAL_PORT": "70000"}, "", "DISTAL_PORT: expected `int` <= 65535"),
        ({"DISTAL_BEHIND_PROXY": "perhaps"}, "", "DISTAL_BEHIND_PROXY: expected `bool`"),
        ({"DISTAL_LOG_LEVEL": "loud"}, "", "DISTAL_LOG_LEVEL: invalid enum value 'loud'"),
        ({}, "prot = 1", "prot is not known (did you mean port?)"),
        ({}, "port = '80'", "port: expected `int`, got `str`"),
        ({}, "port = ", "is not TOML"),
        ({}, "[classes.talks]\nport = 1", "talks is not a service class (did you mean talk?)"),
        ({}, "[classes.talk]\ndcsp = 1", "classes.talk: object contains unknown field `dcsp`"),
        ({}, "[classes.talk]\ndscp = 64", "classes.talk: expected `int` <= 63 - at `.dscp`"),
        ({}, "[rooms.demo]\ntitel = 'x'", "rooms: object contains unknown field `titel`"),
        ({}, "[dicom_nodes.A_TITLE_TOO_LONG_]\nport = 1", "an AE title has 1 to 16 ASCII"),
        ({}, "[dicom_nodes.CT]\ncharset = 'GB'", "dicom_nodes.CT.charset: GB is not known"),
        ({}, "[dicom_nodes.CT]\nprot = 1", "dicom_nodes: object contains unknown field `prot`"),
        ({}, "tls_cert = 'a.pem'", "tls_cert and tls_key come together"),
        ({"DISTAL_ADVERTISE": "care.example"}, "", "'care.example' is not an IP address"),
    ],
)
def test_a_mistake_is_named(
    toml: WriteToml, environment: dict[str, str], text: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environment, {}, toml(text) if text else None)
    assert expected in str(caught.value)
    if text and "come together" not in expected:
        assert "distal.toml" in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*none\.toml"):
        load({}, {}, Path("/nowhere/none.toml"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "care.example"])
def test_a_public_address_needs_encryption(host: str) -> None:
    with pytest.raises(ConfigError, match="without encryption"):
        load({}, {"host": host})
    assert load({}, {"host": host, "behind_proxy": True}).host == host
    assert load({}, {"host": host, "tls_cert": "c", "tls_key": "k"}).tls


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert not load({}, {"host": host}).tls


def test_classes_share_one_port_by_default() -> None:
    relay = load({}, {"media_port": 5000}).relay()
    assert list(relay.groups) == ["main"]
    assert relay.groups["main"].port == 5000
    assert relay.groups["main"].classes == SERVICE_CLASSES


def test_a_class_with_a_port_of_its_own_is_a_group(toml: WriteToml) -> None:
    file = toml(
        "[classes.diagnostic]\nport = 5002\n[classes.vitals]\nport = 5002\n[classes.talk]\ndscp=0\n"
    )
    relay = load({}, {}, file).relay()
    assert {name: group.port for name, group in relay.groups.items()} == {
        "main": 10000,
        "diagnostic": 5002,
    }
    assert relay.groups["diagnostic"].classes == ("diagnostic", "vitals")
    assert relay.dscp["talk"] == 0
    assert relay.dscp["control"] == CLASSES["control"].dscp
    assert relay.priorities == {name: item.priority for name, item in CLASSES.items()}


def test_a_class_on_the_common_port_stays_in_the_main_group(toml: WriteToml) -> None:
    relay = load({}, {}, toml("[classes.control]\nport = 10000\n")).relay()
    assert list(relay.groups) == ["main"]


def test_media_need_an_address() -> None:
    named = load({}, {"host": "care.example", "behind_proxy": True})
    with pytest.raises(ConfigError, match="media_host"):
        named.relay()
    assert load({}, {"host": "localhost"}).relay().host == "127.0.0.1"
    apart = load({}, {"media_host": "0.0.0.0"})
    assert (apart.host, apart.relay().host) == ("127.0.0.1", "0.0.0.0")


def test_every_class_has_a_target_with_its_source() -> None:
    assert set(CLASSES) == set(SERVICE_CLASSES)
    assert len({item.priority for item in CLASSES.values()}) == len(CLASSES)
    for item in CLASSES.values():
        assert item.latency_target_ms > 0
        assert item.latency_source


def test_room_titles_reach_signaling(toml: WriteToml) -> None:
    settings = load({}, {}, toml("[rooms.ward-3]\ntitle = '三病区'\n"))
    assert settings.signaling().titles == {"ward-3": "三病区"}


@pytest.mark.parametrize(
    ("ports", "said", "cores", "threads"),
    [
        ({}, 0, 2, 2),
        ({}, 0, 64, 16),
        ({}, 1, 8, 1),
        ({}, 8, 1, 8),
        ({"diagnostic": 10002}, 0, 2, 2),
        ({"diagnostic": 10002}, 0, 8, 2),
        ({"diagnostic": 10001}, 0, 8, 1),
        ({"diagnostic": 9997}, 0, 8, 3),
        ({"diagnostic": 10100, "vitals": 10104}, 0, 8, 4),
        ({"diagnostic": 10000}, 0, 8, 8),
        ({"vitals": 65535}, 0, 8, 1),
    ],
)
def test_threads_follow_the_cores_as_far_as_the_ports_allow(
    ports: dict[str, int], said: int, cores: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.config.usable_cores", lambda: cores)
    classes = {
        name: msgspec.structs.replace(CLASSES[name], port=port) for name, port in ports.items()
    }
    relay = Settings(media_threads=said, classes=CLASSES | classes).relay()
    assert relay.threads == threads
    assert relay.fewer_threads == (said == 0)
    groups = sorted(group.port for group in relay.groups.values())
    taken = [port + number for port in groups for number in range(threads)]
    assert len(set(taken)) == len(taken)


@pytest.mark.parametrize(
    ("settings", "port", "said"),
    [
        (
            {"media_threads": 3},
            10002,
            r"media_port: .* takes UDP 10000 to 10002, but classes\.diag",
        ),
        (
            {"media_threads": 3},
            9999,
            r"diagnostic\.port: .* media_port is 10000: .* media_threads 1",
        ),
        ({"media_threads": 2, "media_port": 65535}, 9000, "media_port: .* 65535 is the last"),
    ],
)
def test_ports_that_do_not_suffice_for_the_threads_said_are_refused(
    settings: dict[str, int], port: int, said: str
) -> None:
    diagnostic = msgspec.structs.replace(CLASSES["diagnostic"], port=port)
    with pytest.raises(ConfigError, match=said):
        Settings(**settings, classes=CLASSES | {"diagnostic": diagnostic}).relay()  # type: ignore[arg-type]


def test_a_port_chosen_by_the_system_is_in_nobody_s_way() -> None:
    diagnostic = msgspec.structs.replace(CLASSES["diagnostic"], port=1)
    relay = Settings(
        media_port=0, media_threads=9, classes=CLASSES | {"diagnostic": diagnostic}
    ).relay()
    assert relay.threads == 9
