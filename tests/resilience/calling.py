"""Many calls at once: through the load tool, or from here where the answers matter."""

from __future__ import annotations

import dataclasses
import itertools
import json
import subprocess
import threading
import time
from collections.abc import Iterable

import grpc

from scenario import PATIENCE, ROOT, World

SERVICE_CONFIG_FILE = ROOT / "client" / "service_config.json"
CHECK = "gradus.v1.GradientService/Check"
FORWARD = "gradus.v1.GradientService/Forward"
GET_LIMITS = "gradus.v1.GradientService/GetLimits"
GRADE = "gradus.v1.GradingService/Grade"
GRADE_STREAM = "gradus.v1.GradingService/GradeStream"
HEALTH = "grpc.health.v1.Health/Check"


class Load:
    """gradus_load at work, from here to the end of the `with` block. Flags: `in_flight=64` is `--in-flight 64`."""

    _count = itertools.count()

    def __init__(self, world: World, server: str, method: str, request: bytes, *, submission: bytes = b"",
                 **flags: object) -> None:
        number = next(self._count)
        command = [world.program("gradus_load"), "--server", server, "--method", method]
        for flag, content in (("request", request), ("submission", submission)):
            if content or flag == "request":
                file = world.folder / f"load-{number}-{flag}"
                file.write_bytes(content)
                command += [f"--{flag}", str(file)]
        for flag, value in flags.items():
            command += [f"--{flag.replace('_', '-')}", str(value)]
        self._process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def is_over(self) -> bool:
        return self._process.poll() is not None

    def outcome(self) -> Outcome:
        """Once it has ended by itself."""
        output, errors = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"gradus_load: {errors}")
        return Outcome(**json.loads(output))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What load.cc prints."""

    seconds: float
    lost: int
    doubled: int
    codes: dict[str, dict[str, float]]

    def count(self, code: str = "OK") -> int:
        return int(self.codes.get(code, {}).get("count", 0))

    def total(self) -> int:
        return sum(int(of_code["count"]) for of_code in self.codes.values())

    def per_second(self) -> float:
        """Of what went well."""
        return self.codes.get("OK", {}).get("per_second", 0)

    def ms(self, quantile: str, code: str = "OK") -> float:
        """`quantile` is p50, p99 or max."""
        return self.codes.get(code, {}).get(f"{quantile}_ms", 0)


def load(world: World, server: str, method: str, request: bytes, **flags: object) -> Outcome:
    with Load(world, server, method, request, **flags) as running:
        return running.outcome()


def channel_to(servers: Iterable[str]) -> grpc.Channel:
    """To several servers, as docs/operations.md advises."""
    return grpc.insecure_channel("ipv4:" + ",".join(servers), [
        ("grpc.service_config", SERVICE_CONFIG_FILE.read_text(encoding="utf-8")),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.use_local_subchannel_pool", 1)])


@dataclasses.dataclass
class Answer:
    response: bytes = b""
    code: str = ""
    seconds: float = 0


def call_all(channel: grpc.Channel, method: str, requests: list[bytes], in_flight: int = 64,
             timeout: float = PATIENCE) -> list[Answer]:
    """What each request is answered, in their order."""
    call = channel.unary_unary(f"/{method}")
    room = threading.Semaphore(in_flight)
    answers = [Answer() for _ in requests]

    def take(answer: Answer, begun: float, future: grpc.Future) -> None:
        answer.seconds = time.monotonic() - begun
        answer.code = future.code().name
        if answer.code == "OK":
            answer.response = future.result()
        room.release()

    for request, answer in zip(requests, answers):
        room.acquire()
        begun = time.monotonic()
        future = call.future(request, timeout=timeout)
        future.add_done_callback(lambda done, answer=answer, begun=begun: take(answer, begun, done))
    for _ in range(in_flight):
        room.acquire()
    return answers
