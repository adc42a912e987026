"""The native plane (media/plane/module.cpp)."""

EXTENSIONS: int

def hmac_sha1(key: bytes, message: bytes) -> bytes: ...

_Endpoint = tuple[int, int, int, int, int, int, bool, int]
_Track = tuple[int, int, int, int, int, int, float, int, int, int]
_Subscription = tuple[int, int, int, int, int, int, int, int, int]
_Layer = tuple[int, int, int, int, int]

class _Commands:
    """What Python may tell a core. Ids are the caller's; unknown ones are ignored."""

    def add_endpoint(self, id: int, ufrag: str, password: str) -> None: ...
    def set_credentials(self, endpoint: int, ufrag: str, password: str) -> None: ...
    def set_srtp(self, endpoint: int, rx: int, tx: int) -> None: ...
    def set_receive(
        self,
        endpoint: int,
        ext_ids: list[int],
        transport_cc: bool,
        remb: bool,
        reduced_size: bool,
    ) -> None: ...
    def set_send(self, endpoint: int, ext_ids: list[int], mixed: bool) -> None: ...
    def remove_endpoint(self, endpoint: int) -> None: ...
    def add_track(
        self,
        id: int,
        endpoint: int,
        video: bool,
        codec: str,
        mid: str,
        cname: str,
        clock_rate: int,
        pt: int,
        rtx_pt: int,
        nack: bool,
        pli: bool,
        fir: bool,
        layers: list[tuple[str, int, int]],
    ) -> bool: ...
    def remove_track(self, track: int) -> None: ...
    def add_subscription(
        self,
        id: int,
        track: int,
        endpoint: int,
        ssrc: int,
        rtx_ssrc: int,
        pt: int,
        rtx_pt: int,
        tos: int,
        priority: int = 0,
    ) -> bool: ...
    def prioritize(self, subscription: int, priority: int) -> None: ...
    def prefer(self, subscription: int, layer: int, temporal: int) -> None: ...
    def pause(self, subscription: int, paused: bool) -> None: ...
    def remove_subscription(self, subscription: int) -> None: ...
    def send(self, endpoint: int, datagram: bytes) -> None: ...
    def set_remb(self, bps: int) -> None: ...
    def snapshot(
        self,
    ) -> tuple[
        list[_Endpoint],
        list[_Track],
        list[_Subscription],
        list[_Layer],
        tuple[int, int, int, int, int, int],
    ]: ...

class Plane(_Commands):
    """A thread with a UDP socket, TCP connections and a core. `host`: an IP address, '' for every
    address."""

    port: int
    event_fd: int
    offload: bool
    turns: int  # of its loop: stands still when the thread is stuck
    closed: bool

    def __init__(self, srtp: tuple[int, int, int, int], host: str, port: int) -> None: ...
    def accept_only(self, ips: list[bytes]) -> None: ...
    def adopt(self, fd: int, ip: bytes, port: int, check: bytes) -> bool:
        """Take a TCP connection over whose first packet is a check for an endpoint of this plane.
        False: the file descriptor stays the caller's."""

    def tcp_counters(self) -> tuple[int, int, int]:
        """Open connections, octets queued, packets dropped because a connection was congested."""

    def take_events(self) -> list[tuple[int, bytes]]: ...
    def close(self) -> None: ...
    @staticmethod
    def now_us() -> int: ...

class Deframer:
    """Finds RFC 4571's packets in a byte stream."""

    def __init__(self) -> None: ...
    def push(self, data: bytes) -> list[bytes] | None:
        """The packets that `data` completes; None when the stream is garbage and must end."""

class SendQueue:
    """What a TCP connection has still to send, framed; for tests."""

    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def push(self, packet: bytes, media: bool, now_us: int) -> bool: ...
    def front(self) -> bytes: ...
    def pop(self, size: int) -> None: ...
    def waited_us(self, now_us: int) -> int: ...

class Simulation(_Commands):
    """The same core without thread, socket and clock."""

    def __init__(self, srtp: tuple[int, int, int, int]) -> None: ...
    def datagram(self, ip: bytes, port: int, data: bytes, now_us: int) -> None: ...
    def timer(self, now_us: int) -> None: ...
    def take_sent(self) -> list[tuple[bytes, int, list[bytes]]]: ...
    def take_dtls(self) -> list[tuple[int, bytes]]: ...

class BandwidthEstimator:
    """How fast one subscriber's network is (media/plane/bandwidth.h), driven by hand."""

    bps: int
    known: bool
    overusing: bool
    queue_delay_us: int
    loss: float

    def __init__(self) -> None: ...
    def on_sent(self, wire_bytes: int, now_us: int, probe: int = 0) -> int: ...
    def on_feedback(self, body: bytes, now_us: int) -> None: ...
    def on_rtt(self, rtt_us: int) -> None: ...
    def on_timer(self, now_us: int, wanted_bps: int) -> tuple[int, int]: ...
