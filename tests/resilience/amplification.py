"""T6: small requests that are made to cost much."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import signal
import time
from collections.abc import Callable, Iterable

import grpc
from google.protobuf import message, text_format
from scenario import Result, Server, World, quantile, scenario

from gradus.v1 import gradient_service_pb2, grading_service_pb2, problem_pb2

MEBIBYTE = 2**20
MOST_BYTES = 1024

# Problems of one size n, which a few more digits in the request make as large as one likes.
Family = Callable[[int], str]


def broadcast(name: str, *shape: int) -> str:
    """A node of this shape, made of the one number of x."""
    return f'nodes {{ name: "{name}" inputs: "x" broadcast {{ shape: {list(shape)} }} }}\n'


def node(op: str, *operands: str, name: str = "y") -> str:
    return f'nodes {{ name: "{name}" inputs: {json.dumps(operands)} {op} }}\n'


def doubling(op: str) -> Family:
    """n nodes, each of which reads the one before it twice."""
    return lambda n: broadcast("c0", 1) + "".join(
        node(op, f"c{i}", f"c{i}", name=f"c{i + 1}") for i in range(min(n, 24))) + node("identity {}", f"c{min(n, 24)}")


FAMILIES: dict[str, Family] = {
    **{op: lambda n, op=op: broadcast("a", 1, 2, n) + node(op, "a") for op in (
        "exp {}", "tanh {}", "gelu {}", "softplus {}", "softmax {}", "power { exponent: 0.3 }", "transpose {}",
        "variance {}", "log_sum_exp {}", "slice { step: 3 }", "global_avg_pool {}", "max { axes: 1 }",
        "max_pool1d { kernel: 1000 stride: 1 padding: 500 }", "avg_pool1d { kernel: 1000 stride: 1 padding: 500 }")},
    "deep": lambda n: broadcast("y0", n) + "".join(
        node("sigmoid {}", f"y{i}", name=f"y{i + 1}") for i in range(24)) + node("exp {}", "y24"),
    "wide": lambda n: broadcast("a", n) + node("add {}", *["a"] * 190),
    "penalty": lambda n: broadcast("a", n) + node("elastic_net_penalty { strength: 1 l1_ratio: 0.5 }", *["a"] * 190),
    "concat": lambda n: broadcast("a", n) + node("concat {}", *["a"] * 190),
    "stack": lambda n: broadcast("a", n) + node("stack {}", *["a"] * 190),
    "doubling by concat": doubling("concat {}"),
    "doubling by stack": doubling("stack {}"),
    "doubling by add": doubling("add {}"),
    "outer sum": lambda n: broadcast("a", n, 1) + broadcast("b", 1, n) + node("add {}", "a", "b"),
    "mat_mul": lambda n: broadcast("a", n, n) + node("mat_mul {}", "a", "a"),
    "mat_mul of a row": lambda n: broadcast("a", 1, n) + broadcast("b", n, 1) + node("mat_mul {}", "a", "b"),
    "dense": lambda n: broadcast("a", n, n) + node("dense {}", "a", "a"),
    "einsum": lambda n: broadcast("a", n, n, 1, n) + node('einsum { equation: "abcd,dbea->ce" }', "a", "a"),
    "einsum of three": lambda n: broadcast("a", n, n) + node('einsum { equation: "ab,bc,ca->" }', "a", "a", "a"),
    "conv2d": lambda n: broadcast("a", 1, 1, n, n) + broadcast("b", 1, 1, n, n) + node(
        f"conv2d {{ padding: {n // 2} }}", "a", "b"),
    "conv1d": lambda n: broadcast("a", 1, 1, n) + broadcast("b", 1, 1, n) + node(
        f"conv1d {{ padding: {n} }}", "a", "b"),
    "conv_transpose2d": lambda n: broadcast("a", 1, 1, n, n) + broadcast("b", 1, 1, n, n) + node(
        "conv_transpose2d {}", "a", "b"),
    "attention": lambda n: broadcast("a", n, 2) + node("attention {}", "a", "a", "a"),
    "lstm": lambda n: broadcast("a", n) + broadcast("w", 4 * n, n) + broadcast("c", n) + node(
        "lstm_cell {}", "a", "c", "c", "w", "w"),
    "embedding": lambda n: broadcast("a", n, n) + 'nodes { name: "y" inputs: ["a", "a"] dense {} }',
    "batches": lambda n: node("exp {}", "x") + "#batches " + str(min(n, 300)),
}


def problem_of(family: Family, n: int) -> problem_pb2.Problem:
    nodes, _, batches = family(n).partition("#batches ")
    loss = 'nodes { name: "L" inputs: "y" sum {} }'
    problem = text_format.Parse(
        f'network {{ inputs {{ name: "x" }} {nodes} {loss} }} inputs {{ name: "x" tensor {{ values: 0.7 }} }} '
        'objective: "L" optimizer { sgd { learning_rate: 0.1 } }', problem_pb2.Problem())
    for _ in range(int(batches or 0)):
        problem.batches.add()
    return problem


def graded(problem: problem_pb2.Problem) -> dict[str, object]:
    return {"name": "a", "problems": [{"name": "p", "problem": problem}], "items": [
        {"id": "1", "quantity": "L"}, {"id": "2", "quantity": "grad(x)"}, {"id": "3", "formula": "exp(L) L^2"}]}


GRADIENT, GRADING = "/gradus.v1.GradientService/", "/gradus.v1.GradingService/"
# What makes a request of a problem, by the path of its method.
REQUESTS: dict[str, tuple[str, Callable[[problem_pb2.Problem], message.Message]]] = {
    "Forward": (GRADIENT + "Forward", lambda problem: gradient_service_pb2.ForwardRequest(
        problem=problem, trace={"only": ["L"]})),
    "Forward, all of it": (GRADIENT + "Forward", lambda problem: gradient_service_pb2.ForwardRequest(problem=problem)),
    "Backward": (GRADIENT + "Backward", lambda problem: gradient_service_pb2.BackwardRequest(
        problem=problem, trace={"only": ["grad(x)"]})),
    "Step": (GRADIENT + "Step", lambda problem: gradient_service_pb2.StepRequest(
        problem=problem, trace={"only": ["L"]})),
    "Check of x": (GRADIENT + "Check", lambda problem: gradient_service_pb2.CheckRequest(
        problem=problem, methods=[1, 2, 3, 4], only=["grad(x)"])),
    "Check": (GRADIENT + "Check", lambda problem: gradient_service_pb2.CheckRequest(
        problem=problem, methods=[1, 2, 3, 4])),
    "Grade": (GRADING + "Grade", lambda problem: grading_service_pb2.GradeRequest(
        assignment=graded(problem), submission={"answers": [
            {"item": "1", "text": {"values": ["0.12"]}}, {"item": "2", "formula": "exp(-L) sin(L)"},
            {"item": "3", "formula": "L L"}]})),
    "LintAssignment": (GRADING + "LintAssignment", lambda problem: grading_service_pb2.LintAssignmentRequest(
        assignment=graded(problem))),
}


def is_served(channel: grpc.Channel, path: str, request: bytes) -> bool:
    try:
        channel.unary_unary(path)(request, timeout=120)
        return True
    except grpc.RpcError as error:
        if error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED):
            return False
        raise


def largest_served(channel: grpc.Channel, path: str, request_of: Callable[[int], bytes]) -> bytes:
    """The largest request of a family that is within the limits; empty if none is, or is small enough."""
    served, refused = 0, 1
    while refused < 2**40 and is_served(channel, path, request_of(refused)):
        served, refused = refused, 2 * refused
        if len(request_of(refused)) > MOST_BYTES or request_of(refused) == request_of(served):
            return request_of(served)
    for _ in range(3):
        middle = (served + refused) // 2
        if middle > served and is_served(channel, path, request_of(middle)):
            served = middle
        else:
            refused = middle
    return request_of(served) if served > 0 else b""


@dataclasses.dataclass(frozen=True)
class Cost:
    name: str
    cpu: float  # the server's, in seconds
    ratio: float  # of that to the client's
    memory: float  # MiB that the server took more


def measure(server: Server, channel: grpc.Channel, name: str, path: str, request: bytes, calls: int) -> Cost:
    memory = server.resident_bytes()
    server.forget_peak()
    cpu, own = server.cpu_seconds(), time.process_time()
    for _ in range(calls):
        is_served(channel, path, request)
    own, cpu = time.process_time() - own, server.cpu_seconds() - cpu
    return Cost(name, cpu / calls, cpu / own, (server.peak_resident_bytes() - memory) / MEBIBYTE)


def costs(world: World, kinds: Iterable[tuple[str, str]], flags: list[str], calls: int) -> list[Cost]:
    """Of the largest request of each kind, a name of REQUESTS and one of FAMILIES, that is served."""
    measured = []
    with Server(world, *flags) as server, server.channel(("grpc.max_receive_message_length", -1)) as channel:
        for kind, family in kinds:
            path, request_for = REQUESTS[kind]
            request = largest_served(channel, path, lambda n: request_for(
                problem_of(FAMILIES[family], n)).SerializeToString())
            if 0 < len(request) <= MOST_BYTES:
                # Twice, for what memory the allocator takes by the way is taken once.
                pair = [measure(server, channel, f"{kind}, {family}", path, request, calls) for _ in range(2)]
                measured.append(min(pair, key=lambda cost: cost.memory))
    return measured


@scenario("T6", "the worst requests of at most 1 KB, 280 kinds, where --max-flops is 1e7 and --max-bytes 1e6",
          "the server's CPU <= 100x the client's own, and <= 1 MiB more memory", limit_s=240)
def small_requests(world: World) -> Result:
    result = Result()
    families = ("exp {}", "mat_mul", "penalty") if world.is_quick else FAMILIES
    measured = costs(world, itertools.product(REQUESTS, families), ["--max-flops", "1e7", "--max-bytes", "1e6"],
                     world.choose(8, 2))
    result.fact("kinds", len(measured), "> 0", len(measured) > 0)
    worst = max(measured, key=lambda cost: cost.ratio)
    result.timing("CPU", f"{worst.ratio:.0f}x ({1000 * worst.cpu:.0f} ms) at most, {worst.name}", "<= 100x",
                  worst.ratio <= 100)
    worst = max(measured, key=lambda cost: cost.memory)
    result.timing("memory", f"+{worst.memory:.1f} MiB at most, {worst.name}", "<= 1 MiB", worst.memory <= 1)
    return result


@scenario("T6", "those that cost most, where --max-flops is 1e9, a tenth of the default, and --max-bytes 256 MiB",
          "what these limits allow: 3 s of CPU, and 320 MiB with the response", quick=False, limit_s=240)
def small_requests_with_wider_limits(world: World) -> Result:
    result = Result()
    pool = "max_pool1d { kernel: 1000 stride: 1 padding: 500 }"
    kinds = [("Grade", pool), ("LintAssignment", pool), ("Backward", "conv2d"), ("Step", "penalty"),
             ("Check of x", "mat_mul"), ("Forward, all of it", "exp {}")]
    measured = costs(world, kinds, ["--max-flops", "1e9"], 1)
    result.fact("kinds", len(measured), len(kinds))
    worst = max(measured, key=lambda cost: cost.cpu)
    result.timing("CPU", f"{worst.cpu:.1f} s at most ({worst.ratio:.0f}x), {worst.name}", "<= 3 s", worst.cpu <= 3)
    worst = max(measured, key=lambda cost: cost.memory)
    result.timing("memory", f"+{worst.memory:.0f} MiB at most, {worst.name}", "<= 320 MiB", worst.memory <= 320)
    return result


def over_limits(chance: random.Random) -> tuple[str, bytes]:
    """A request for far too much; its method and bytes."""
    family, kind = chance.choice(list(FAMILIES)), chance.choice(list(REQUESTS))
    if family.startswith("doubling") or family == "batches":
        family = "mat_mul"
    # A matrix of fewer rows is within the elements that a tensor may have, but not within the operations.
    n = chance.randrange(2500, 4000) if family in ("mat_mul", "dense") else int(2 ** chance.uniform(25, 60))
    path, request_for = REQUESTS[kind]
    return path, request_for(problem_of(FAMILIES[family], n)).SerializeToString()


@scenario("T6", "10,000 random networks beyond the limits", "each refused, in < 1 ms by the server's log")
def networks_beyond_the_limits(world: World) -> Result:
    result = Result()
    chance = random.Random(6)
    with Server(world, "--log-level", "info", "--log-format", "json") as server, server.channel() as channel:
        count = world.choose(10_000, 300)
        served = sum(is_served(channel, *over_limits(chance)) for _ in range(count))
        server.send(signal.SIGTERM)
        server.wait()
        calls = [call for call in map(json.loads, server.log().splitlines()) if "total_ms" in call]
    result.fact("served", served, 0)
    result.fact("reasons", sorted({call["reason"] for call in calls}), ["LIMIT_EXCEEDED"])
    times = [call["total_ms"] for call in calls]
    # That the machine did something else for a moment is nobody's fault.
    slow = sum(time >= 1 for time in times)
    result.timing("time", f"p99 {quantile(times, 0.99):.2f} ms, {slow} of {count} took 1 ms", "< 0.1 % of them",
                  slow < count / 1000)
    return result
