"""How much a server does, for how long, and what becomes of more."""

from __future__ import annotations

import time

from calling import CHECK, GRADE, GRADE_STREAM, HEALTH, Load, load
from gradus.v1.assignment_pb2 import FEEDBACK_LEVEL_VALUES, FEEDBACK_LEVEL_VERDICT
from gradus.v1.grading_service_pb2 import GradeRequest, GradeStreamHeader, GradeStreamRequest, SubmissionBatch
from messages import Numbers, assignment, heavy_check, paper
from oracle import solve
from scenario import Result, Server, World, scenario, wait_until

PAPER = paper("paper", solve(Numbers()))
ASSIGNMENT = assignment(Numbers(), FEEDBACK_LEVEL_VERDICT)
GRADE_REQUEST = GradeRequest(assignment=ASSIGNMENT, submission=PAPER).SerializeToString()
HEADER = GradeStreamHeader(assignment=ASSIGNMENT).SerializeToString()
MIB = 1 << 20
# So few calls in flight never overload a server, even if it gets no processor for a while.
FIT_THE_QUEUE = 48


@scenario("T20", "a client of GradeStream that reads one message a second, and another one that calls Grade",
          "memory grows by less than the 17 MiB that a stream may have waiting; the other one is served")
def slow_reader(world: World) -> Result:
    result = Result()
    total, seconds = 500_000, world.choose(20, 3)
    sent = 0

    def messages():
        nonlocal sent
        header = GradeStreamHeader(assignment=assignment(Numbers(), FEEDBACK_LEVEL_VALUES))
        yield GradeStreamRequest(header=header).SerializeToString()
        while sent < total:
            batch = SubmissionBatch(submissions=[PAPER] * 100)
            for number, submission in enumerate(batch.submissions, start=sent):
                submission.id = str(number)
            sent += 100
            yield GradeStreamRequest(batch=batch).SerializeToString()

    with Server(world, "--workers", "2") as server, server.channel() as slow:
        alone = load(world, server.address, GRADE, GRADE_REQUEST, in_flight=1, seconds=1)
        before = server.resident_bytes()
        call = slow.stream_stream(f"/{GRADE_STREAM}")(messages(), timeout=120)
        with Load(world, server.address, GRADE, GRADE_REQUEST, rate=50, in_flight=50, seconds=seconds) as other:
            read = 0
            for _ in range(seconds):
                next(call)
                read += 1
                time.sleep(1)
            outcome = other.outcome()
        growth = (server.peak_resident_bytes() - before) / MIB
        in_flight = server.metric("gradus_calls_in_flight")
        call.cancel()
        result.fact("the stream goes on", in_flight, 1)
        result.fact("papers taken from it", sent, f"far fewer than {total}", sent < total / 2)
        result.fact("memory grew by", f"{growth:.0f} MiB", "17 MiB", growth < 17)
        result.fact("calls of the other one", f"{outcome.count()} of {outcome.total()}", "all OK",
                    outcome.count() == outcome.total() > 0)
        result.fact("idle afterwards", wait_until(server.is_idle), True)
        result.timing("its p99", f"{outcome.ms('p99'):.1f} ms ({alone.ms('p99'):.1f} alone)", "50 ms",
                      outcome.ms("p99") < 50)
    return result


@scenario("T21", "ten minutes of Grade and GradeStream at half of what the server can do",
          "no error; memory grows by less than 1 MB a minute after the first; files stay the same", limit_s=900)
def soak(world: World) -> Result:
    result = Result()
    seconds, warm_up = (2, 0) if world.is_quick else (600, 60)
    with Server(world) as server:
        # A quarter of its best goes to either, so that both together are half a load.
        measured = world.choose(5, 1)
        grade_rate = load(world, server.address, GRADE, GRADE_REQUEST, in_flight=16,
                          seconds=measured).per_second() / 4
        stream_rate = load(world, server.address, GRADE_STREAM, HEADER, submission=PAPER.SerializeToString(),
                           in_flight=128, seconds=measured).per_second() / 4
        samples: list[tuple[float, float, int]] = []
        outcomes = []
        begun = time.monotonic()
        end = begun + seconds
        with Load(world, server.address, GRADE, GRADE_REQUEST, rate=grade_rate, in_flight=FIT_THE_QUEUE, connections=4,
                  seconds=seconds) as grade:
            # As long as a class or two takes: a stream remembers the ids that it has had.
            while (left := end - time.monotonic()) > 0:
                with Load(world, server.address, GRADE_STREAM, HEADER, submission=PAPER.SerializeToString(),
                          in_flight=512, connections=2, rate=stream_rate, seconds=min(10, left)) as stream:
                    while not stream.is_over():
                        samples.append((time.monotonic() - begun, server.resident_bytes() / 1e6, server.descriptors()))
                        time.sleep(min(1, seconds / 20))
                    outcomes.append(stream.outcome())
            outcomes.append(grade.outcome())
        warm = [sample for sample in samples if sample[0] >= warm_up]
        earlier, later = (max(files for _, _, files in half)
                          for half in (warm[:len(warm) // 2], warm[len(warm) // 2:]))
        done = sum(outcome.count() for outcome in outcomes)
        result.fact("papers graded", done, "some", done > 0)
        result.fact("errors", sum(outcome.total() - outcome.count() for outcome in outcomes), 0)
        result.fact("lost or doubled", sum(outcome.lost + outcome.doubled for outcome in outcomes), 0)
        result.timing("open files at most, in each half", f"{earlier}, {later}", "the same", earlier == later)
        result.timing("memory grew by", f"{60 * slope(warm):.2f} MB a minute, to {warm[-1][1]:.0f} MB", "1",
                      60 * slope(warm) < 1)
        result.timing("for", f"{seconds / 60:.1f} min", "10.0 min", seconds == 600)
    return result


def slope(samples: list[tuple[float, float, int]]) -> float:
    """Of the line that is nearest to memory over time, by least squares."""
    n = len(samples)
    mean_time = sum(sample[0] for sample in samples) / n
    mean_memory = sum(sample[1] for sample in samples) / n
    spread = sum((sample[0] - mean_time) ** 2 for sample in samples)
    return sum((sample[0] - mean_time) * (sample[1] - mean_memory) for sample in samples) / spread if spread > 0 else 0


@scenario("T22", "four times as many calls as the server can do",
          "90 % of its best goes on; others are UNAVAILABLE in 5 ms; accepted ones wait for one queue at most; health "
          "answers in 100 ms")
def overload(world: World) -> Result:
    result = Result()
    seconds = world.choose(15, 2)
    request = heavy_check().SerializeToString()
    with Server(world) as server:
        peak = load(world, server.address, CHECK, request, in_flight=16, seconds=seconds / 2).per_second()
        workers = server.metric("gradus_workers")
        with Load(world, server.address, CHECK, request, rate=4 * peak, in_flight=1000, connections=20,
                  seconds=seconds) as calls:
            health = load(world, server.address, HEALTH, b"", rate=20, in_flight=20, seconds=seconds - 0.5)
            outcome = calls.outcome()
        result.fact("accepted and refused", f"{outcome.count()}, {outcome.count('UNAVAILABLE')}", "both",
                    min(outcome.count(), outcome.count("UNAVAILABLE")) > 0)
        result.fact("other codes", sorted(set(outcome.codes) - {"OK", "UNAVAILABLE"}), [])
        result.fact("refusals counted by the server",
                    int(server.metric("gradus_rejected_total", reason="OVERLOADED")), outcome.count("UNAVAILABLE"))
        result.fact("health checks answered", f"{health.count()} of {health.total()}", "all",
                    health.count() == health.total() > 0)
        result.fact("idle afterwards", wait_until(server.is_idle), True)
        share = outcome.per_second() / peak
        result.timing("goodput", f"{100 * share:.0f} % of {peak:.0f}/s", "90 %", share >= 0.9)
        # As long as everything that may wait takes, and once more for a machine that has the client to serve too.
        bound = 2 * 1000 * (64 + workers) / peak
        result.timing("p99 of accepted ones", f"{outcome.ms('p99'):.0f} ms", f"{bound:.0f} ms",
                      outcome.ms("p99") <= bound)
        refused = outcome.ms("p50", "UNAVAILABLE"), outcome.ms("p99", "UNAVAILABLE")
        result.timing("refused in (p50, p99)", f"{refused[0]:.1f}, {refused[1]:.1f} ms", "5 ms", refused[1] < 5)
        result.timing("health (p99, max)", f"{health.ms('p99'):.1f}, {health.ms('max'):.1f} ms", "100 ms",
                      health.ms("max") < 100)
    return result


@scenario("T26", "papers of ten numbers on a small network, client and server on the same cores",
          "10,000 Grade a second; 30,000 papers a second over GradeStream; p99 below 10 ms at half of that load")
def speed(world: World) -> Result:
    result = Result()
    seconds = world.choose(8, 1)
    with Server(world) as server:
        grade = load(world, server.address, GRADE, GRADE_REQUEST, in_flight=32, connections=2, seconds=seconds)
        half = load(world, server.address, GRADE, GRADE_REQUEST, rate=grade.per_second() / 2, in_flight=FIT_THE_QUEUE,
                    connections=4, seconds=seconds)
        stream = load(world, server.address, GRADE_STREAM, HEADER, submission=PAPER.SerializeToString(), in_flight=256,
                      connections=2, seconds=seconds)
    for name, outcome in (("Grade", grade), ("half load", half), ("GradeStream", stream)):
        result.fact(f"{name}: errors", outcome.total() - outcome.count() + outcome.lost + outcome.doubled, 0)
    result.timing("Grade", f"{grade.per_second():,.0f}/s", "10,000/s", grade.per_second() >= 10_000)
    result.timing("GradeStream", f"{stream.per_second():,.0f}/s", "30,000/s", stream.per_second() >= 30_000)
    result.timing("p99 at half load", f"{half.ms('p99'):.1f} ms", "10 ms", half.ms("p99") < 10)
    return result
