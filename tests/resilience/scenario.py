"""What a resilience scenario is made of: the decorator that registers it, its result, and a real server to try.

    @scenario("T11", "500 silent sockets", "served meanwhile, all gone in 90 s")
    def silent_clients(world: World) -> Result:
        result = Result()
        with Server(world, "--handshake-timeout-s", "2") as server:
            ...
            result.fact("descriptors left", server.descriptors() - before, "0", server.descriptors() == before)
            result.timing("p99", f"{p99:.1f} ms", "< 2x", p99 < 2 * baseline)
        return result
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds for what always comes, on a machine that is busy.
PATIENCE = 30
EXIT_CANNOT_LISTEN = 3


class Skipped(Exception):
    """Raised by a scenario that cannot be run here; the text says why."""


@dataclasses.dataclass(frozen=True)
class Judgement:
    name: str
    reached: str
    wanted: str
    ok: bool


class Result:
    """What a scenario found. Facts are true on any machine; timings are judged in the full run only."""

    def __init__(self) -> None:
        self.facts: list[Judgement] = []
        self.timings: list[Judgement] = []

    def fact(self, name: str, reached: object, wanted: object, ok: bool | None = None) -> None:
        """`ok` may be left out where only what is wanted will do."""
        self.facts.append(Judgement(name, str(reached), str(wanted), reached == wanted if ok is None else ok))

    def timing(self, name: str, reached: object, wanted: object, ok: bool) -> None:
        self.timings.append(Judgement(name, str(reached), str(wanted), ok))


@dataclasses.dataclass(frozen=True)
class World:
    """Where a scenario runs."""

    build: pathlib.Path  # of CMake, with bin/ and tests/
    is_quick: bool  # a few seconds are all there is: small counts, which still can fail
    folder: pathlib.Path  # empty, and the scenario's own

    def choose(self, full: int, quick: int) -> int:
        """How many of something."""
        return quick if self.is_quick else full

    def program(self, name: str) -> str:
        """Path of gradus, gradus-server or gradus_load."""
        return str(self.build / "bin" / name)


@dataclasses.dataclass(frozen=True)
class Scenario:
    id: str
    done: str
    wanted: str
    is_quick: bool
    limit_s: int
    run: Callable[[World], Result]


# An id may have several.
SCENARIOS: list[Scenario] = []


def scenario(id: str, done: str, wanted: str, *, quick: bool = True, limit_s: int = 180) -> Callable:
    """Registers a function of a World that returns a Result. What is not `quick` is left out of the quick part; one
    that takes longer than `limit_s` has failed."""

    def register(run: Callable[[World], Result]) -> Callable[[World], Result]:
        SCENARIOS.append(Scenario(id, done, wanted, quick, limit_s, run))
        return run

    return register


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE, step: float = 0.01) -> bool:
    """Whether the condition came to hold in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(step)
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """One that nobody has now."""
    with socket.create_server((host, 0)) as taken:
        return taken.getsockname()[1]


def quantile(numbers: list[float], share: float) -> float:
    return sorted(numbers)[min(len(numbers) - 1, int(share * len(numbers)))]


class Server:
    """A gradus-server of its own, from when it is healthy until the end of the `with` block, where it is killed. That
    it ended before by itself is an error."""

    def __init__(self, world: World, *flags: str, host: str = "127.0.0.1", port: int = 0, max_files: int = 0) -> None:
        """`port` 0 takes a free one. `max_files`: how many it may open; 0 leaves that as it is. It logs warnings only,
        unless the flags say otherwise: a line for each call would be gigabytes."""
        self.host = host
        self._expects_end = False
        self._log = world.folder / f"server-{time.monotonic_ns()}.log"
        limit = ["/usr/bin/prlimit", f"--nofile={max_files}"] if max_files > 0 else []
        level = [] if "--log-level" in flags else ["--log-level", "warning"]
        for _ in range(5):
            self.port, self._metrics_port = port or free_port(host), free_port(host)
            command = [
                *limit, world.program("gradus-server"), "--listen", self.address, "--metrics-listen",
                f"{host}:{self._metrics_port}", *level, *flags]
            with self._log.open("w") as log:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                started = wait_until(lambda: self.process.poll() is not None or self.is_healthy())
            except BaseException:
                self.process.kill()
                raise
            # Somebody else may have taken a port meanwhile.
            if self.process.poll() != EXIT_CANNOT_LISTEN:
                break
        if self.process.poll() is not None or not started:
            self.process.kill()
            raise RuntimeError(f"the server did not start: {self.log()}")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        code = self.process.poll()
        if code is None:
            self.kill()
        elif not self._expects_end and kind is None:
            raise RuntimeError(f"the server ended by itself with {code}: {self.log()[-2000:]}")

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def channel(self, *options: tuple[str, object]) -> grpc.Channel:
        """A connection of its own."""
        return grpc.insecure_channel(
            self.address, [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0), *options])

    def is_healthy(self, seconds: float = 2) -> bool:
        """Over a new connection."""
        with self.channel() as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            with contextlib.suppress(grpc.RpcError):
                # A HealthCheckResponse whose status is SERVING.
                return check(b"", timeout=seconds) == b"\x08\x01"
            return False

    # Its ends.

    def send(self, number: int) -> None:
        """SIGTERM, SIGSTOP, SIGCONT ..."""
        self._expects_end = self._expects_end or number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait()

    # What it uses, from /proc.

    def _status(self, name: str) -> int:
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
        return int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[1])

    def resident_bytes(self) -> int:
        return self._status("VmRSS") * 1024

    def peak_resident_bytes(self) -> int:
        """Since it started, or since forget_peak()."""
        return self._status("VmHWM") * 1024

    def forget_peak(self) -> None:
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    def threads(self) -> int:
        return self._status("Threads")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # What it says of itself.

    def metrics(self) -> dict[str, float]:
        """By name and labels as Prometheus reads them: `gradus_rejected_total{reason="OVERLOADED"}`."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.host}:{self._metrics_port}/metrics", timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series of this name that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(value for series, value in self.metrics().items()
                   if series.partition("{")[0] == name and all(label in series for label in wanted))

    def is_idle(self) -> bool:
        """No call in flight, and no worker busy."""
        metrics = self.metrics()
        return metrics["gradus_calls_in_flight"] == 0 and metrics["gradus_busy_workers"] == 0
