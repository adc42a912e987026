"""The benchmark's table: every server's numbers, pooled over its rounds, with the ratios."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil

from loadtests.measure import Forwarding, Run, Settings

YARDSTICK = "Janus"
SUBJECT = "Distal"


def cpu_us(measured: Sequence[Forwarding]) -> float:
    """CPU microseconds of the server for each packet that reached a subscriber."""
    return sum(f.cpu_s for f in measured) / max(1, sum(f.packets for f in measured)) * 1e6


def latency_ms(
    measured: Sequence[Forwarding], which: str, percentile: float, key: bool | None = None
) -> float:
    """Added latency over all rounds; of key frames, of the others, or of all."""
    values = np.concatenate([getattr(f.window, which) for f in measured])
    if key is not None:
        kinds = "every_key" if which == "every_ms" else "key"
        values = values[np.concatenate([getattr(f.window, kinds) for f in measured]) == key]
    return float(np.percentile(values, percentile)) if len(values) else float("nan")


def summary(runs: Sequence[Run], settings: Settings) -> dict[str, Any]:
    """Everything as plain numbers, by server and way of sending."""
    out: dict[str, Any] = {"settings": settings.__dict__, "machine": machine(), "servers": {}}
    for name in dict.fromkeys(run.server for run in runs):
        of_server = [run for run in runs if run.server == name]
        joins = [joining for run in of_server for joining in run.joinings]
        joined = settings.subscribers * len(joins)
        out["servers"][name] = {
            "version": of_server[0].version,
            "srtp_profile": of_server[0].profile,
            "rounds": len(of_server),
            "joins_per_s": joined / sum(j.wall_s for j in joins),
            "join_alone_p50_ms": float(
                np.median([s for run in of_server for s in run.alone_s]) * 1e3
            ),
            "server_cpu_ms_per_join": sum(j.server_cpu_s for j in joins) / joined * 1e3,
            "client_cpu_ms_per_join": sum(j.client_cpu_s for j in joins) / joined * 1e3,
            "rss_kb_per_subscriber": float(np.mean([run.rss_kb for run in of_server])),
            "pss_kb_per_subscriber": float(np.mean([run.pss_kb for run in of_server])),
            "complaints": [text for run in of_server for text in run.complaints],
            "agreed": of_server[0].agreed,
            "publisher_feedback": [dict(run.publisher_feedback) for run in of_server],
            "subscriber_feedback": [dict(run.subscriber_feedback) for run in of_server],
            "forwarding": {
                str(spread): _forwarding(
                    [f for run in of_server for f in run.forwarding if f.spread_ms == spread]
                )
                for spread in settings.spreads_ms
            },
        }
    return out


def _forwarding(measured: list[Forwarding]) -> dict[str, Any]:
    windows = [window for f in measured for window in (f.window, f.audio)]
    numbers: dict[str, Any] = {
        "cpu_us_per_packet": cpu_us(measured),
        "cpu_us_per_packet_by_round": [cpu_us([f]) for f in measured],
        "packets_per_s": sum(f.packets for f in measured) / sum(f.seconds for f in measured),
        "server_cores": sum(f.cpu_s for f in measured) / sum(f.seconds for f in measured),
        "due_packets": sum(w.due_packets for w in windows),
        "lost_packets": sum(w.lost_packets for w in windows),
        "lost_before_packets": sum(w.lost_before_packets for w in windows),
        "extra_packets": sum(w.extra_packets for w in windows),
        "feedback_per_s": sum(f.feedback for f in measured) / sum(f.seconds for f in measured),
        "duplicates": sum(f.duplicates for f in measured),
        "reordered": sum(f.reordered for f in measured),
        "frames": sum(f.window.frames for f in measured),
        "machine_idle": float(np.mean([f.machine_idle for f in measured])),
    }
    sound_ms = np.concatenate([f.audio.every_ms for f in measured])
    for percentile in (50, 99):
        numbers[f"audio_p{percentile}_ms"] = (
            float(np.percentile(sound_ms, percentile)) if len(sound_ms) else float("nan")
        )
    for which in ("first", "last", "every"):
        for kind, key in (("all", None), ("delta", False), ("key", True)):
            for percentile in (50, 99):
                numbers[f"{which}_{kind}_p{percentile}_ms"] = latency_ms(
                    measured, f"{which}_ms", percentile, key
                )
    return numbers


def machine() -> str:
    """Processor, cores, memory and kernel, as the table's heading."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = len(list(Path("/sys/devices/system/cpu").glob("cpu[0-9]*")))
    memory_gb = psutil.virtual_memory().total / 2**30
    return f"{model}, {cores} cores, {memory_gb:.0f} GB, Linux {platform.release()}"


Better = Literal["lower", "higher", ""]
Row = tuple[str, Callable[[dict[str, Any]], float], str, Better]

FORWARDING_ROWS: list[Row] = [
    ("server CPU per forwarded packet, µs", lambda f: f["cpu_us_per_packet"], ".2f", "lower"),
    ("… lowest round", lambda f: min(f["cpu_us_per_packet_by_round"]), ".2f", ""),
    ("… highest round", lambda f: max(f["cpu_us_per_packet_by_round"]), ".2f", ""),
    ("packets/s forwarded", lambda f: f["packets_per_s"], ".0f", ""),
    ("server CPU, cores", lambda f: f["server_cores"], ".3f", "lower"),
    ("packets lost", lambda f: f["lost_packets"], ".0f", ""),
    ("… of packets due", lambda f: f["due_packets"], ".0f", ""),
    ("feedback packets/s", lambda f: f["feedback_per_s"], ".0f", ""),
    (
        "added latency, all subscribers: delta, p50 ms",
        lambda f: f["every_delta_p50_ms"],
        ".2f",
        "lower",
    ),
    ("… delta frames, p99 ms", lambda f: f["every_delta_p99_ms"], ".2f", "lower"),
    ("… key frames, p50 ms", lambda f: f["every_key_p50_ms"], ".2f", "lower"),
    ("… key frames, p99 ms", lambda f: f["every_key_p99_ms"], ".2f", "lower"),
    ("… packets of sound, p50 ms", lambda f: f["audio_p50_ms"], ".2f", "lower"),
    ("… packets of sound, p99 ms", lambda f: f["audio_p99_ms"], ".2f", "lower"),
    ("first subscriber, all frames, p50 ms", lambda f: f["first_all_p50_ms"], ".2f", "lower"),
    ("last subscriber, all frames, p50 ms", lambda f: f["last_all_p50_ms"], ".2f", "lower"),
    ("… p99 ms", lambda f: f["last_all_p99_ms"], ".2f", "lower"),
    ("machine idle, % of all cores", lambda f: f["machine_idle"] * 100, ".0f", ""),
]
SERVER_ROWS: list[Row] = [
    ("joins/s, all at once", lambda s: s["joins_per_s"], ".0f", "higher"),
    ("one join while nobody else joins, p50 ms", lambda s: s["join_alone_p50_ms"], ".1f", "lower"),
    ("server CPU per join, ms", lambda s: s["server_cpu_ms_per_join"], ".2f", "lower"),
    ("load generator's CPU per join, ms", lambda s: s["client_cpu_ms_per_join"], ".2f", ""),
    ("memory per subscriber, KB (PSS)", lambda s: s["pss_kb_per_subscriber"], ".0f", "lower"),
    ("memory per subscriber, KB (RSS)", lambda s: s["rss_kb_per_subscriber"], ".0f", "lower"),
]


def markdown(numbers: dict[str, Any]) -> str:
    """The table; the last column says how many times better ours is than the yardstick."""
    servers: dict[str, Any] = numbers["servers"]
    settings = numbers["settings"]
    lines = [
        f"{settings['subscribers']} subscribers, one publisher: 720p VP8 of "
        f"{settings['bitrate_bps'] / 1e6:g} Mbit/s, Opus; {settings['seconds']:g} s a measurement, "
        f"{max(s['rounds'] for s in servers.values())} interleaved rounds.",
        f"{numbers['machine']}. Subscribers send receiver reports, and agreed with "
        + ", with ".join(f"{name}: {s['agreed']}" for name, s in servers.items())
        + ".",
        "",
    ]
    heads = [f"{name} {s['version']} ({s['srtp_profile']})" for name, s in servers.items()]
    both = YARDSTICK in servers and SUBJECT in servers
    ratio_head = [f"{SUBJECT} is better by"] if both else []
    for spread in settings["spreads_ms"]:
        title = f"a frame's packets spread over {spread} ms" if spread else "a frame sent at once"
        by_server = {name: s["forwarding"][str(spread)] for name, s in servers.items()}
        lines += _table([title, *heads, *ratio_head], FORWARDING_ROWS, by_server, both)
        lines.append("")
    lines += _table(["joining, memory", *heads, *ratio_head], SERVER_ROWS, servers, both)
    if floor_us := numbers.get("floor_cpu_us_per_packet"):
        lines += ["", "The floor, sending alone with AES-128-GCM, µs a packet: "]
        lines[-1] += ", ".join(f"{what} {us:.2f}" for what, us in floor_us.items()) + "."
    lines += ["", *(f"- {name}: {c}" for name, s in servers.items() for c in s["complaints"])]
    return "\n".join(lines).rstrip()


def _table(heads: list[str], rows: list[Row], by_server: dict[str, Any], both: bool) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    for title, value, form, better in rows:
        cells = [format(value(of_server), form) for of_server in by_server.values()]
        if both:
            ours, theirs = value(by_server[SUBJECT]), value(by_server[YARDSTICK])
            cells.append(_times(ours, theirs, better))
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def _times(ours: float, theirs: float, better: Better) -> str:
    if not better or not ours or not theirs:
        return ""
    return f"{theirs / ours if better == 'lower' else ours / theirs:.2f} ×"
