"""Clients that break HTTP/2, or send just enough of it to hold something."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator

import grpc
import http2
from calling import FORWARD, GET_LIMITS, Load, load
from scenario import Result, Server, World, quantile, scenario, wait_until

# gRPC starts some when it is busy, up to a number that depends on the cores only.
GRPC_THREADS = 4 * os.cpu_count()


class Neighbour:
    """Another client, which calls again and again while something goes on; an error of one call is its own."""

    def __init__(self, server: Server) -> None:
        self.times_ms: list[float] = []
        self.errors: list[str] = []
        self._server = server
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._call)

    def __enter__(self) -> Neighbour:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _call(self) -> None:
        with self._server.channel() as channel:
            call = channel.unary_unary(f"/{GET_LIMITS}")
            while not self._done.wait(0.01):
                begun = time.monotonic()
                try:
                    call(b"", timeout=20, wait_for_ready=True)
                    self.times_ms.append(1000 * (time.monotonic() - begun))
                except grpc.RpcError as error:
                    self.errors.append(str(error.code()))

    def failures(self) -> str:
        """"none", or what went wrong."""
        return ", ".join(sorted(set(self.errors))) or "none"

    def p99_ms(self) -> float:
        return quantile(self.times_ms, 0.99)


def warm_up(server: Server) -> None:
    """Has gRPC start the threads that it starts when they are first needed."""
    for _ in range(20):
        with http2.Connection(server.port) as connection:
            connection.begin()
            reset_streams(connection, range(1, 201, 2))
    with Neighbour(server):
        time.sleep(0.2)
    wait_until(server.is_idle)


# T11


def open_and_send(server: Server, count: int, opening: bytes) -> Iterator[socket.socket]:
    for _ in range(count):
        yield (opened := socket.create_connection(("127.0.0.1", server.port)))
        opened.sendall(opening)
        # What is tried is that they stay: opening them all at once would take both cores from everybody.
        time.sleep(0.001)


@scenario("T11", "500 connections that say nothing and 500 whose request never ends, the limits shortened to seconds",
          "all closed by the server, no thread per client, no descriptor left, another client's p99 < 2x what it was")
def slow_clients(world: World) -> Result:
    result = Result()
    count = world.choose(500, 50)
    call = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.header_block(http2.call_headers(FORWARD)))
    half_a_message = http2.frame(http2.DATA, 0, 1, struct.pack(">BI", 0, 1000) + bytes(10))
    half_sent = http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0) + call + half_a_message
    limits = ("--handshake-timeout-s", "2", "--max-idle-s", "2", "--max-age-s", "4", "--max-age-grace-s", "1")
    with Server(world, *limits) as server, contextlib.ExitStack() as sockets:
        warm_up(server)
        threads, descriptors = server.threads(), server.descriptors()
        # In a process of its own, which does not have to wait for this one to look at a thousand sockets.
        other = {"method": GET_LIMITS, "request": b"", "rate": 200, "in_flight": 50}
        before = load(world, server.address, **other, seconds=world.choose(8, 1))
        begun = time.monotonic()
        with Load(world, server.address, **other, seconds=world.choose(8, 6)) as meanwhile_load:
            slow = [sockets.enter_context(opened) for opening in (b"", half_sent)
                    for opened in open_and_send(server, count, opening)]
            all_closed = wait_until(lambda: all(map(http2.is_closed, slow)), 60, step=0.2)
            seconds = time.monotonic() - begun
            meanwhile = meanwhile_load.outcome()
        result.fact("closed", sum(map(http2.is_closed, slow)), 2 * count)
        result.fact("calls of others", f"{meanwhile.count()} of {meanwhile.total()}", "all OK",
                    meanwhile.count() == meanwhile.total() > 0)
        wait_until(lambda: server.descriptors() <= descriptors)
        result.fact("threads more", server.threads() - threads, f"<= {GRPC_THREADS}",
                    server.threads() - threads <= GRPC_THREADS)
        result.fact("descriptors left", server.descriptors() - descriptors, "0", server.descriptors() <= descriptors)
    result.timing("closed after", f"{seconds:.1f} s", "< 15 s", all_closed and seconds < 15)
    result.timing("p99 of others", f"{meanwhile.ms('p99'):.1f} ms, before {before.ms('p99'):.1f} ms", "< 2x",
                  meanwhile.ms("p99") < 2 * before.ms("p99"))
    return result


# T12


def health_check(world: World, server: Server) -> int:
    return subprocess.run([world.program("gradus-server"), "--health-check", "--listen", server.address],
                          stderr=subprocess.DEVNULL, check=False).returncode


@scenario("T12", "64 descriptors and 80 idle connections, which end gRPC 1.51's accept loop for good (CVE-2023-4785)",
          "not started with so few unless told to; the health check sees it; restarted, it serves within 30 s")
def too_many_connections(world: World) -> Result:
    result = Result()
    refused = subprocess.run(
        ["/usr/bin/prlimit", "--nofile=64", world.program("gradus-server"), "--listen", "127.0.0.1:0",
         "--metrics-listen", ""], stderr=subprocess.PIPE, text=True, check=False, timeout=30)
    result.fact("exit code with 64 descriptors", refused.returncode, 2)
    result.fact("names the way out", "--allow-few-files" in refused.stderr, True)
    with Server(world, "--allow-few-files", "--drain-delay-ms", "0", max_files=64) as server:
        result.fact("health check before", health_check(world, server), 0)
        with contextlib.ExitStack() as sockets:
            for _ in range(80):
                sockets.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            result.fact("health check meanwhile", health_check(world, server), 1)
        # gRPC that has the fault never accepts again; a newer one is healthy here, and needs no restart.
        wait_until(lambda: health_check(world, server) == 0, 3)
        still_ill = health_check(world, server) != 0
        begun = time.monotonic()
        server.send(signal.SIGTERM)
        result.fact("exit code on SIGTERM", server.wait(), 0)
        with Server(world, "--allow-few-files", port=server.port, max_files=64) as restarted:
            result.fact("health check after a restart", health_check(world, restarted), 0)
            seconds = time.monotonic() - begun
    result.timing("served again", f"{seconds:.1f} s after the restart began{'' if still_ill else ' (none was needed)'}",
                  "< 30 s", seconds < 30)
    return result


# T13


def reset_streams(connection: http2.Connection, streams: range) -> None:
    """Begins a call on each stream and cancels it at once."""
    block = http2.header_block(http2.call_headers(FORWARD))
    cancel = struct.pack(">I", http2.CANCEL)
    connection.socket.sendall(b"".join(
        http2.frame(http2.HEADERS, http2.END_HEADERS, stream, block) +
        http2.frame(http2.DATA, 0, stream, http2.message(b"")) +
        http2.frame(http2.RST_STREAM, 0, stream, cancel) for stream in streams))


def rapid_reset(world: World, batch: int, waits: bool) -> Result:
    """Resets in batches; if it `waits`, the server has seen each before the next is sent, and all figures are judged."""
    result = Result()
    count = world.choose(50_000, 2_000)
    with Server(world) as server:
        warm_up(server)
        threads, memory = server.threads(), server.resident_bytes()
        server.forget_peak()
        server_cpu, own_cpu = server.cpu_seconds(), time.thread_time()
        with Neighbour(server) as other, http2.Connection(server.port, timeout=60) as connection:
            connection.begin()
            for first in range(1, 2 * count, 2 * batch):
                reset_streams(connection, range(first, first + 2 * batch, 2))
                if waits:
                    connection.ping()
            own_cpu = time.thread_time() - own_cpu
            connection.ping()
            wait_until(server.is_idle)
        server_cpu = server.cpu_seconds() - server_cpu
        grown = (server.peak_resident_bytes() - memory) / 2**20
        result.fact("errors of others", other.failures(), "none", not (other.errors and waits))
        result.fact("threads more", server.threads() - threads, f"<= {GRPC_THREADS}",
                    server.threads() - threads <= GRPC_THREADS)
        result.fact("healthy", server.is_healthy(), True)
    result.timing("CPU", f"{server_cpu:.1f} s, {server_cpu / own_cpu:.0f}x the client's", "<= 10x",
                  server_cpu <= 10 * own_cpu or not waits)
    result.timing("memory", f"+{grown:.0f} MiB", "< 64 MiB", grown < 64 or not waits)
    result.timing("p99 of others", f"{other.p99_ms():.1f} ms", "< 50 ms", other.p99_ms() < 50 or not waits)
    return result


@scenario("T13", "50,000 calls reset as soon as they are made (CVE-2023-44487), the client waiting after every ten",
          "CPU <= 10x the client's, < 64 MiB more, no thread per call, another client's p99 < 50 ms")
def rapid_reset_in_turns(world: World) -> Result:
    return rapid_reset(world, 10, waits=True)


@scenario("T13", "the same, the client never waiting", "no crash, no thread per call, healthy afterwards; nothing in "
          "gRPC 1.51 limits the rest")
def rapid_reset_at_once(world: World) -> Result:
    return rapid_reset(world, 1000, waits=False)


# T14


def conversation() -> list[bytes]:
    """Frames of right calls, and of headers that have been trouble to gRPC, for `mutated` to spoil."""
    def headers(stream: int, extra: list[http2.Header], flags: int = http2.END_HEADERS) -> bytes:
        return http2.frame(http2.HEADERS, flags, stream, http2.header_block(http2.call_headers(FORWARD, extra)))

    def data(stream: int, payload: bytes) -> bytes:
        return http2.frame(http2.DATA, http2.END_STREAM, stream, http2.message(payload))

    large = http2.header_block([(b"x-large", b"a" * 10_000)])
    te = http2.header_block([(name, b"x" if name == b"te" else value) for name, value in http2.call_headers(FORWARD)])
    return [
        headers(1, []), data(1, b"\x0a\x00"),
        headers(3, [(b"x-bin", b"AAEC")]), data(3, b""),
        # CVE-2023-32732
        headers(5, [(b"x-bin", b"\xff%%%")]), data(5, b""),
        # CVE-2023-1428
        http2.frame(http2.HEADERS, 0, 7, te), http2.frame(http2.CONTINUATION, http2.END_HEADERS, 7, large),
        data(7, b""),
        headers(9, [(b"grpc-timeout", b"99999999H"), (b"grpc-encoding", b"gzip")]), data(9, b"\x1f\x8b"),
        headers(11, [(b"x-request-id", b"a" * 300), (b"traceparent", b"00-" + b"0" * 60)]), data(11, b"\xff" * 40),
        http2.frame(http2.SETTINGS, 0, 0, struct.pack(">HIHIHI", 1, 0, 4, 1, 5, 1 << 14)),
        http2.frame(http2.WINDOW_UPDATE, 0, 1, struct.pack(">I", 1 << 30)),
        http2.frame(http2.PRIORITY, 0, 1, struct.pack(">IB", 1, 5)),
        http2.frame(http2.PING, 0, 0, bytes(8)),
        http2.frame(http2.RST_STREAM, 0, 3, struct.pack(">I", http2.CANCEL)),
        http2.frame(http2.PUSH_PROMISE, http2.END_HEADERS, 1, bytes(4)),
        http2.frame(http2.GOAWAY, 0, 0, bytes(8)),
        # CVE-2023-33953: a length in HPACK that goes on and on.
        http2.frame(http2.HEADERS, http2.END_HEADERS, 13, b"\0\x7f" + b"\x80" * 200 + b"\0"),
    ]


def mutated(frame: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(frame)
    for _ in range(chance.choice((0, 1, 1, 2, 8))):
        place = chance.randrange(len(spoiled))
        how = chance.randrange(5)
        if how == 0:
            spoiled[place] ^= 1 << chance.randrange(8)
        elif how == 1:
            spoiled[place] = chance.choice((0, 1, 0x7f, 0x80, 0xff))
        elif how == 2:  # Its kind, flags or stream.
            spoiled[min(chance.randrange(3, 9), len(spoiled) - 1)] = chance.randrange(256)
        elif how == 3:
            spoiled[place:place] = chance.randbytes(chance.randrange(1, 40))
        elif len(spoiled) > 9:
            del spoiled[chance.randrange(9, len(spoiled)):]
        # Most keep a length that is true, so that what follows is read as frames too.
        if chance.random() < 0.9:
            spoiled[:3] = max(0, len(spoiled) - 9).to_bytes(3, "big")
    return bytes(spoiled)


@scenario("T14", "100,000 frames of HTTP/2, each spoiled with a chance of 4 in 5, four to a connection",
          "no crash, healthy, another client is served")
def mutated_frames(world: World) -> Result:
    result = Result()
    frames, chance = conversation(), random.Random(14)
    count, per_connection, survived = world.choose(100_000, 2_000), 4, 0
    with Server(world, "--handshake-timeout-s", "2") as server:
        with Neighbour(server) as other:
            for _ in range(count // per_connection):
                spoiled = [mutated(chance.choice(frames), chance) for _ in range(per_connection)]
                with http2.Connection(server.port) as connection:
                    # An error: the server has had enough.
                    with contextlib.suppress(OSError):
                        connection.socket.sendall(
                            http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0) + b"".join(spoiled) + http2.PING_US)
                        # A length that promises more than there is must not keep both waiting.
                        connection.socket.shutdown(socket.SHUT_WR)
                        connection.await_pong()
                        survived += 1
        result.fact("connections that went on", f"{survived} of {count // per_connection}", "some", survived > 0)
        result.fact("errors of others", other.failures(), "none")
        result.fact("healthy", server.is_healthy(), True)
    return result
