"""HTTP/2 by hand, for clients that no library would be: frames, and headers without compression."""

import socket
import struct
from typing import Sequence

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
CANCEL = 8

Header = tuple[bytes, bytes]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def integer(value: int, prefix_bits: int, first: int = 0) -> bytes:
    """An integer of HPACK, whose first byte has other bits before the prefix."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([first | value])
    rest, value = bytearray([first | most]), value - most
    while value >= 128:
        rest.append(value % 128 | 128)
        value //= 128
    return bytes(rest + bytes([value]))


def header_block(headers: Sequence[Header]) -> bytes:
    """Literal headers that enter no table, so that blocks do not depend on each other."""
    return b"".join(b"\0" + integer(len(name), 7) + name + integer(len(value), 7) + value for name, value in headers)


def call_headers(method: str, extra: Sequence[Header] = ()) -> list[Header]:
    return [(b":method", b"POST"), (b":scheme", b"http"), (b":path", f"/{method}".encode()), (b":authority", b"127.0.0.1"),
            (b"te", b"trailers"), (b"content-type", b"application/grpc"), *extra]


def message(payload: bytes) -> bytes:
    """A message of gRPC, not compressed."""
    return struct.pack(">BI", 0, len(payload)) + payload


PING_US = frame(PING, 0, 0, b"resilien")


class Connection:
    """A socket that speaks HTTP/2 and reads only to let the server go on."""

    def __init__(self, port: int, timeout: float = 10) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def begin(self) -> None:
        """The preface, with a window for responses of any size, and the acknowledgement of the server's settings."""
        largest_window = struct.pack(">HI", 4, (1 << 31) - 1)
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, largest_window) +
                            frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", (1 << 30))))
        while True:
            kind, flags, _, _ = self.read_frame()
            if kind == SETTINGS and not flags & ACK:
                break
        self.socket.sendall(frame(SETTINGS, ACK, 0))

    def _read(self, count: int) -> bytes:
        while len(self._unread) < count:
            received = self.socket.recv(1 << 16)
            if not received:
                raise ConnectionResetError("the server has closed the connection")
            self._unread += received
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken

    def read_frame(self) -> tuple[int, int, int, bytes]:
        """Kind, flags, stream and payload of the next frame."""
        head = self._read(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self._read(int.from_bytes(head[:3], "big"))

    def ping(self) -> None:
        """Returns when the server has seen all that was sent before; raises OSError if it has closed."""
        self.socket.sendall(PING_US)
        self.await_pong()

    def await_pong(self) -> None:
        while self.read_frame()[:2] != (PING, ACK):
            pass


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has closed it. What it has sent is read away."""
    connection.setblocking(False)
    try:
        while connection.recv(1 << 16):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True
