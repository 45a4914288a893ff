"""Calls that are given up while they are computed."""

from __future__ import annotations

import itertools
import random
import threading
import time

import grpc

from calling import GRADE_STREAM
from gradus.v1.assignment_pb2 import FEEDBACK_LEVEL_SCORE
from gradus.v1.gradient_service_pb2 import BackwardRequest, CheckRequest, ForwardRequest
from gradus.v1.grading_service_pb2 import GradeStreamHeader, GradeStreamRequest, SubmissionBatch
from gradus.v1.trace_pb2 import TraceOptions
from messages import Numbers, assignment, matrix_chain, paper
from oracle import solve
from scenario import PATIENCE, Result, Server, World, quantile, scenario, wait_until


class Work:
    """Calls of every kind that take seconds if they are let, on a connection of their own."""

    def __init__(self, channel: grpc.Channel) -> None:
        long = matrix_chain(size=200, products=500)
        only_results = TraceOptions(only=["L"])
        self._unary = [
            (channel.unary_unary(f"/gradus.v1.GradientService/{method}"), request.SerializeToString())
            for method, request in (
                ("Forward", ForwardRequest(problem=long, trace=only_results)),
                ("Backward", BackwardRequest(problem=long, trace=only_results)),
                ("Check", CheckRequest(problem=matrix_chain(size=60, products=2))))]
        self._stream = channel.stream_stream(f"/{GRADE_STREAM}")
        papers = [paper(str(number), solve(Numbers())) for number in range(1000)]
        # Short reports, so that workers are never held up by a client that reads none.
        header = GradeStreamHeader(assignment=assignment(Numbers(), FEEDBACK_LEVEL_SCORE))
        self._header = GradeStreamRequest(header=header).SerializeToString()
        self._batch = GradeStreamRequest(batch=SubmissionBatch(submissions=papers)).SerializeToString()
        self.kinds = len(self._unary) + 1

    def start(self, kind: int, timeout: float) -> grpc.Future:
        if kind < len(self._unary):
            call, request = self._unary[kind]
            return call.future(request, timeout=timeout)
        messages = itertools.chain([self._header], itertools.repeat(self._batch, 1000))
        return self._stream(messages, timeout=timeout)


@scenario("T5", "calls cancelled, and deadlines passed, inside Forward, Backward, Check and GradeStream",
          "1,000 times; no call and no worker left busy; idle within 50 ms (p99)", limit_s=300)
def cancel(world: World) -> Result:
    result = Result()
    source = random.Random(5)
    times: list[float] = []
    stuck = wrong_codes = 0
    with Server(world, "--max-flops", "1e11", "--max-bytes", "1e9") as server, server.channel() as channel:
        work = Work(channel)
        for number in range(world.choose(1000, 24)):
            kind = number % work.kinds
            by_deadline = number // work.kinds % 2 == 1
            allowed = source.uniform(0.05, 0.1) if by_deadline else PATIENCE
            begun = time.monotonic()
            call = work.start(kind, allowed)
            ended = threading.Event()
            call.add_done_callback(lambda _, ended=ended: ended.set())
            if by_deadline:
                ended.wait(PATIENCE)
                given_up = begun + allowed
            else:
                wait_until(lambda: server.metric("gradus_busy_workers") > 0, step=0.001)
                time.sleep(source.uniform(0, 0.03))
                given_up = time.monotonic()
                call.cancel()
            stuck += not wait_until(server.is_idle, step=0.001)
            times.append(1000 * (time.monotonic() - given_up))
            ended.wait(PATIENCE)
            wrong_codes += call.code().name != ("DEADLINE_EXCEEDED" if by_deadline else "CANCELLED")
        started = int(server.metric("grpc_server_started_total"))
        done = sum(server.metric("grpc_server_handled_total", grpc_code="OK", grpc_method=method)
                   for method in ("Forward", "Backward", "Check"))
    result.fact("calls given up", len(times), world.choose(1000, 24))
    result.fact("other codes", wrong_codes, 0)
    # A deadline may pass before a server that gets no processor has seen the call.
    result.fact("of them begun by the server", started, "most", started > 0.9 * len(times))
    result.fact("computed to the end", int(done), 0)
    result.fact("not idle afterwards", stuck, 0)
    p99 = quantile(times, 0.99)
    result.timing("idle after (p50, p99, max)",
                  f"{quantile(times, 0.5):.0f}, {p99:.0f}, {max(times):.0f} ms", "50 ms", p99 <= 50)
    return result
