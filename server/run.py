"""Start everything in order, serve until asked to stop, stop everything in reverse and in time."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import structlog
from aiohttp import web

from media.contract import PortError
from media.relay import MediaRelay
from server import memory
from server.app import Health, make_app
from server.child import ChildError
from server.config import Settings
from server.control import ControlProcess
from server.joins import JoinCodes
from server.keys import TokenKey, load_or_create
from server.receiver import Receiver
from server.turn import turn_settings
from signaling.service import Signaling
from signaling.tokens import TokenVerifier

log = structlog.get_logger("server.run")


class StartError(Exception):
    """The server cannot start here; the message says what to change."""


class Distal:
    """One running server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.key: TokenKey = load_or_create(settings.data_dir)
        self.codes = JoinCodes(time.monotonic)
        self.port = settings.port  # the real one once started
        self._tls = _tls(settings)
        self._health = Health()
        self._relay = MediaRelay(settings.relay())
        self._receiver = Receiver(settings)
        self._control = ControlProcess(settings)
        verifier = TokenVerifier({self.key.kid: self.key.public})
        told = dataclasses.replace(settings.signaling(), turn=turn_settings(settings))
        self._signaling = Signaling(self._relay, verifier, told, self._control)
        self._runner = web.AppRunner(
            make_app(
                settings,
                self._signaling,
                self._relay,
                self.key,
                verifier,
                self.codes,
                self._health,
                self._receiver,
                self._control,
            ),
            access_log=None,
            shutdown_timeout=settings.shutdown_s / 4,
        )

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.settings.host, self.settings.host)
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"{'https' if self.settings.tls else 'http'}://{host}:{self.port}"

    async def start(self) -> None:
        """Bind the ports and serve. Raises StartError, with nothing left running."""
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise

    async def _start(self) -> None:
        settings = self.settings
        try:
            await self._relay.start()
        except OSError as error:
            tcp = isinstance(error, PortError) and error.kind == "TCP"
            flag = "--media-tcp-port" if tcp else "--media-port"
            raise StartError(
                _port_trouble("TCP" if tcp else "UDP", flag, error, settings)
            ) from None
        await self._signaling.start()
        await self._runner.setup()
        # asyncio binds :: for IPv6 alone, so every address takes two sockets, with one port.
        for host in ("::", "0.0.0.0") if settings.host == "::" else (settings.host,):
            site = web.TCPSite(self._runner, host, self.port, ssl_context=self._tls, backlog=1024)
            try:
                await site.start()
            except OSError as error:
                raise StartError(_port_trouble("TCP", "--port", error, settings)) from None
            self.port = int(self._runner.addresses[0][1])
        try:
            await self._control.start()
        except OSError as error:
            raise StartError(
                _port_trouble("UDP", "--control-port", error, settings, settings.control_port)
            ) from None
        except ChildError as error:
            raise StartError(str(error)) from None
        try:
            await self._receiver.start()
        except OSError as error:
            raise StartError(
                _port_trouble("TCP", "--dicom-port", error, settings, settings.dicom_port)
            ) from None
        except ChildError as error:
            raise StartError(str(error)) from None
        self._health.ready = True
        log.info(
            "serving",
            port=self.port,
            media_ports=self._relay.ports,
            media_tcp_port=self._relay.tcp_port,
            dicom_port=self._receiver.port,
            control_port=self._control.port,
            tls=settings.tls,
        )

    def renew_certificate(self) -> None:
        """Read certificate and key again, for new connections; a bad one leaves the old in use."""
        if self._tls is None:
            return
        try:
            _load(self._tls, self.settings)
        except StartError as error:
            log.error("certificate not renewed", reason=str(error))
        else:
            log.info("certificate renewed")

    async def close(self) -> None:
        """Tell the clients, free everything; give up after the configured time."""
        self._health.ready = False
        log.info("stopping", counts=dict(self._signaling.counts()))
        try:
            async with asyncio.timeout(self.settings.shutdown_s):
                await self._stop()
        except TimeoutError:
            log.warning("stopped by force", after_s=self.settings.shutdown_s)
        else:
            log.info("stopped")

    async def _stop(self) -> None:
        for site in list(self._runner.sites):
            await site.stop()
        await self._signaling.close(self.settings.reconnect_after_ms)
        await self._runner.cleanup()
        await self._receiver.close()
        await self._control.close()
        await self._relay.close()


async def run(
    settings: Settings, during: Callable[[Distal], AbstractAsyncContextManager[None]]
) -> None:
    """Serve until SIGTERM or SIGINT, inside `during`. A second signal ends at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def asked() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    server = Distal(settings)
    loop.add_signal_handler(signal.SIGHUP, server.renew_certificate)
    await server.start()
    memory.settle()
    giving_back = asyncio.create_task(memory.give_back())
    try:
        async with during(server):
            await stop.wait()
    finally:
        giving_back.cancel()
        await server.close()


@contextlib.asynccontextmanager
async def announced(server: Distal) -> AsyncIterator[None]:
    """Say where it serves, for people and for scripts."""
    print(f"Distal serves {server.url}", flush=True)
    yield


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, settings)
    return context


def _load(context: ssl.SSLContext, settings: Settings) -> None:
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)  # whole, or not at all
        context.load_cert_chain(cert, key)
    except FileNotFoundError:
        raise StartError(f"no such certificate or key: {cert}, {key}") from None
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"cannot use {cert} with {key}: {error}") from None


def _port_trouble(
    kind: str, flag: str, error: OSError, settings: Settings, port: int | None = None
) -> str:
    ours = settings.port if port is None else port
    wanted = str(error.port) if isinstance(error, PortError) else f"{ours} of {settings.host}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{kind} port {wanted} is in use: stop the other program, or give {flag}"
        case errno.EACCES:
            return f"{kind} port {wanted} needs more rights: give {flag} above 1023"
        case errno.EADDRNOTAVAIL:
            return f"{settings.host} is not an address of this machine: give --host"
        case _:
            return f"cannot listen on {kind} port {wanted}: {error.strerror or error}"
