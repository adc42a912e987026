"""FFmpeg's own WHIP client, through PyAV: H.264 constrained baseline and Opus, live."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

FRAMES_PER_S = 20
OPUS_FRAME = 960
WIDTH, HEIGHT = 320, 240


class FfmpegPublisher:
    """Publishes a moving picture and a tone from a thread while its `with` block lasts."""

    def __init__(self, url: str, token: str, folder: Path) -> None:
        self._url = url
        self._certificate, self._key = write_certificate(folder)
        self._token = token
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ffmpeg-whip")
        self.error: Exception | None = None

    def __enter__(self) -> FfmpegPublisher:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(20)
        if self.error is not None and error is None:
            raise self.error

    def _run(self) -> None:
        try:
            self._publish()
        except Exception as error:
            self.error = error

    def _publish(self) -> None:
        options = {
            "authorization": self._token,
            # GnuTLS, which the wheel is built with, would make one on P-224: no WebRTC curve.
            "cert_file": str(self._certificate),
            "key_file": str(self._key),
        }
        with av.open(self._url, "w", format="whip", options=options) as container:
            video = container.add_stream(
                "libx264",
                rate=FRAMES_PER_S,
                options={"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"},
            )
            assert isinstance(video, av.VideoStream)
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            video.gop_size = FRAMES_PER_S
            video.bit_rate = 400_000
            audio = container.add_stream("libopus", rate=48_000, layout="stereo")
            began = time.monotonic()
            frame, samples = 0, 0
            while not self._stop.is_set():
                if frame / FRAMES_PER_S <= samples / 48_000:
                    due_s = frame / FRAMES_PER_S
                    packets = video.encode(picture(frame))
                    frame += 1
                else:
                    due_s = samples / 48_000
                    packets = audio.encode(tone(samples))
                    samples += OPUS_FRAME
                if self._stop.wait(max(0.0, began + due_s - time.monotonic())):
                    return
                container.mux(packets)


def picture(index: int) -> av.VideoFrame:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, (index * 8) % WIDTH :, 1] = 160
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = index, Fraction(1, FRAMES_PER_S)
    return frame


def tone(start: int) -> av.AudioFrame:
    t = (np.arange(OPUS_FRAME) + start) / 48_000
    wave = (np.sin(2 * np.pi * 440 * t) * 8000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
    return frame


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate on P-256, as browsers make them, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "whip")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    files = folder / "whip.crt", folder / "whip.key"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
