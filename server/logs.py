"""Logs: one JSON object a line on stderr, with no names, tokens, codes or addresses of people.

What may be said is chosen where it is said; this module is the net below it: keys that could hold a
person's data or a secret are blanked, whoever logs them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_KEYS = frozenset(
    {"authorization", "code", "cookie", "display_name", "name", "password", "remote", "text"}
    | {"token", "sdp", "peername", "address", "subject"}
)


def configure(level: str) -> None:
    """Send structlog's and the standard library's records to stderr as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        blank_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("aioice", "aiortc", "asyncio"):  # they print addresses and packets
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its warnings quote patients' data
    logging.getLogger("aiohttp.access").disabled = True  # its lines hold paths, and so join codes


def blank_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Blank values under keys that may hold a secret or a person's data."""
    for key in event.keys() & SECRET_KEYS:
        event[key] = "…"
    return event
