"""Servers that stop, die and hang while they are called."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import random
import signal
import subprocess
import threading
import time

from calling import FORWARD, GRADE, SERVICE_CONFIG_FILE, Answer, Load, call_all, channel_to
from gradus.v1.assignment_pb2 import FEEDBACK_LEVEL_FIRST_WRONG_STEP
from gradus.v1.grade_pb2 import VERDICT_CORRECT
from gradus.v1.grading_service_pb2 import GradeRequest, GradeResponse
from messages import QUANTITIES, Numbers, assignment, heavy_forward, paper
from oracle import answer, judge, random_numbers, solve
from scenario import PATIENCE, Result, Server, World, scenario, wait_until


@scenario("T8", "SIGTERM to one of two servers under load, 64 calls in flight, clients with the service config",
          "20,000 calls, no error, exit code 0 within 10 s")
def drain(world: World) -> Result:
    result = Result()
    calls = world.choose(20_000, 1_500)
    delay = ["--drain-delay-ms", "300"] if world.is_quick else []
    with Server(world, *delay, host="127.0.0.2") as first, Server(world, host="127.0.0.3") as second:
        servers = f"ipv4:{first.address},{second.address}"
        with Load(world, servers, FORWARD, heavy_forward().SerializeToString(), in_flight=64, connections=4,
                  count=calls, service_config=SERVICE_CONFIG_FILE) as running:
            if not wait_until(lambda: first.metric("grpc_server_handled_total", grpc_code="OK") > calls / 10):
                raise RuntimeError("no calls arrive")
            begun = time.monotonic()
            first.send(signal.SIGTERM)
            result.fact("exit code", first.wait(), 0)
            seconds = time.monotonic() - begun
            was_over = running.is_over()
            outcome = running.outcome()
        result.fact("calls answered", outcome.count(), calls)
        result.fact("errors", outcome.total() - outcome.count(), 0)
        result.timing("exit after", f"{seconds:.1f} s", "10 s", seconds <= 10)
        result.timing("load went on until then", not was_over, True, not was_over)
    return result


class Killer:
    """Kills one of the servers every second, at random, and starts it again at its address."""

    def __init__(self, world: World, servers: list[Server]) -> None:
        self._world = world
        self._servers = servers
        self._random = random.Random(18)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills = 0
        self.error: Exception | None = None

    def _run(self) -> None:
        try:
            while not self._stop.wait(1 if self.kills > 0 else 0.1):
                number = self._random.randrange(len(self._servers))
                server = self._servers[number]
                server.kill()
                self.kills += 1
                self._servers[number] = Server(self._world, host=server.host, port=server.port)
        except Exception as error:
            self.error = error

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@dataclasses.dataclass
class Class:
    """Papers in a folder, one assignment for all of them; and requests of Grade, each with numbers of its own."""

    numbers: Numbers
    assignment_file: pathlib.Path
    folders: list[pathlib.Path]
    papers: list[dict[str, list[float]]]
    unary: list[tuple[Numbers, dict[str, list[float]]]]
    requests: list[bytes]


# Papers of one folder, and so of one run of `gradus grade`.
FOLDER = 10_000


def hand_out(world: World, papers: int, calls: int) -> Class:
    source = random.Random(25)
    numbers = random_numbers(source)
    file = world.folder / "assignment.binpb"
    file.write_bytes(assignment(numbers, FEEDBACK_LEVEL_FIRST_WRONG_STEP).SerializeToString())
    handed = Class(numbers, file, [], [], [], [])
    for i in range(papers):
        if i % FOLDER == 0:
            handed.folders.append(world.folder / f"papers-{i // FOLDER}")
            handed.folders[-1].mkdir()
        handed.papers.append(answer(numbers, source))
        (handed.folders[-1] / f"{i:06}.binpb").write_bytes(paper(f"p{i}", handed.papers[-1]).SerializeToString())
    for i in range(calls):
        own = random_numbers(source)
        handed.unary.append((own, answer(own, source)))
        request = GradeRequest(assignment=assignment(own), submission=paper(f"c{i}", handed.unary[-1][1]))
        handed.requests.append(request.SerializeToString())
    return handed


def grade_command(world: World, handed: Class, folder: pathlib.Path, servers: list[str]) -> list[str]:
    return [world.program("gradus"), "grade", str(handed.assignment_file), str(folder), "--format", "json", "--server",
            "ipv4:" + ",".join(servers)]


def grade_folders(world: World, handed: Class, servers: list[str]) -> list[bytes]:
    """What `gradus grade` prints of each folder."""
    outputs = []
    for folder in handed.folders:
        done = subprocess.run(grade_command(world, handed, folder, servers), capture_output=True, check=False)
        if done.returncode != 0 or done.stderr:
            raise RuntimeError(f"gradus grade ended with {done.returncode}: {done.stderr.decode()[:500]}")
        outputs.append(done.stdout)
    return outputs


def wrong_papers(handed: Class, outputs: list[bytes]) -> int:
    """Reports of `gradus grade` that are not what the oracle gives."""
    wrong = 0
    for report in (report for output in outputs for report in json.loads(output)):
        verdicts, points = judge(handed.numbers, handed.papers[int(report["submissionId"][1:])])
        said = {item["id"]: [verdict == "VERDICT_CORRECT" for verdict in item["elements"] or [item["verdict"]]]
                for item in report["items"]}
        wrong += not (agrees(said, verdicts) and abs(report["earnedPoints"] - points) <= 1e-9)
    return wrong


def agrees(said: dict[str, list[bool]], expected: dict[str, list[bool]]) -> bool:
    # An item that is not answered has no verdicts of elements.
    return said.keys() == expected.keys() and all(
        said[quantity] == right or (said[quantity] == [False] and not any(right))
        for quantity, right in expected.items())


def wrong_calls(handed: Class, responses: list[bytes]) -> int:
    """Responses of Grade that are not what the oracle gives."""
    wrong = 0
    for i, ((numbers, answers), response) in enumerate(zip(handed.unary, responses)):
        report = GradeResponse.FromString(response).report
        verdicts, points = judge(numbers, answers)
        said = {item.id: [verdict == VERDICT_CORRECT for verdict in item.elements or [item.verdict]]
                for item in report.items}
        keys_agree = all(
            # Of differences of numbers near 1, the last digits are noise.
            abs(value - key) <= 1e-12 * abs(key) + 1e-15
            for item in report.items for value, key in zip(item.expected.values, solve(numbers)[item.id], strict=True))
        wrong += not (agrees(said, verdicts) and keys_agree and report.submission_id == f"c{i}"
                      and abs(report.earned_points - points) <= 1e-9)
    return wrong


@dataclasses.dataclass(frozen=True)
class History:
    """What was asked while servers were killed, and what was answered then and on a calm day."""

    handed: Class
    kills: int
    printed: list[bytes]
    answers: list[Answer]
    calm_printed: list[bytes]
    calm_answers: list[Answer]


# Of T18, which T25 looks at too.
HISTORIES: list[History] = []


def make_history(world: World) -> History:
    count = world.choose(50_000, 1_000)
    handed = hand_out(world, count, count)
    servers: list[Server] = []
    try:
        for number in (2, 3, 4):
            servers.append(Server(world, host=f"127.0.0.{number}"))
        addresses = [server.address for server in servers]
        with Killer(world, servers) as killer:
            printed = grade_folders(world, handed, addresses)
            with channel_to(addresses) as channel:
                answers = call_all(channel, GRADE, handed.requests)
    finally:
        for server in servers:
            server.kill()
    if killer.error is not None:
        raise killer.error
    with Server(world) as calm, channel_to([calm.address]) as channel:
        calm_printed = grade_folders(world, handed, [calm.address])
        calm_answers = call_all(channel, GRADE, handed.requests)
    return History(handed, killer.kills, printed, answers, calm_printed, calm_answers)


@scenario("T18", "three servers, kill -9 to one at random every second, under gradus grade of folders and unary Grade",
          "100,000 answers, none lost, none doubled, the bytes of a calm run", limit_s=420)
def chaos(world: World) -> Result:
    result = Result()
    history = make_history(world)
    HISTORIES.append(history)
    ids = [report["submissionId"] for output in history.printed for report in json.loads(output)]
    papers = [f"p{number}" for number in range(len(history.handed.papers))]
    failed = sum(answer.code != "OK" for answer in history.answers)
    result.fact("answers", len(set(ids)) + len(history.answers) - failed, len(papers) + len(history.handed.requests))
    result.fact("lost", len(set(papers) - set(ids)) + failed, 0)
    result.fact("doubled", len(ids) - len(set(ids)), 0)
    result.fact("kills", history.kills, "some", history.kills > 0)
    same = (history.printed == history.calm_printed and
            [answer.response for answer in history.answers] == [answer.response for answer in history.calm_answers])
    result.fact("bytes of a calm run", same, True)
    return result


@scenario("T25", "every request and answer of T18 against an oracle written apart from the server", "no mismatch",
          limit_s=420)
def history_check(world: World) -> Result:
    result = Result()
    history = HISTORIES[0] if HISTORIES else make_history(world)
    result.fact("papers that the oracle judges otherwise", wrong_papers(history.handed, history.printed), 0)
    responses = [answer.response for answer in history.answers]
    result.fact("calls that it answers otherwise", wrong_calls(history.handed, responses), 0)
    right = sum(all(right) for numbers, answers in history.handed.unary
                for right in judge(numbers, answers)[0].values())
    result.fact("items that are right, of the calls", right, "some, not all",
                0 < right < len(QUANTITIES) * len(history.handed.unary))
    return result


@scenario("T19", "SIGSTOP to one of two servers under load, for 10 s and for good",
          "clients move on within 20 s, nothing lost")
def half_dead(world: World) -> Result:
    result = Result()
    pause, deadline = (1, 0.5) if world.is_quick else (10, 5)
    handed = hand_out(world, world.choose(FOLDER, 0), world.choose(5_000, 1_000))
    with Server(world, host="127.0.0.2") as first, Server(world, host="127.0.0.3") as second:
        addresses = [first.address, second.address]
        go_on = threading.Timer(pause, lambda: first.send(signal.SIGCONT))
        # A call on the server that hangs ends with its deadline, and is then made again.
        left, waits = list(enumerate(handed.requests)), [0.0] * len(handed.requests)
        again = 0
        with channel_to(addresses) as channel:
            # So that it is connected to both.
            call_all(channel, GRADE, handed.requests[:64], timeout=PATIENCE)
            first.send(signal.SIGSTOP)
            go_on.start()
            for _ in range(10):
                answers = call_all(channel, GRADE, [request for _, request in left], timeout=deadline)
                for (number, _), answer in zip(left, answers):
                    waits[number] += answer.seconds
                left = [call for call, answer in zip(left, answers) if answer.code != "OK"]
                again += len(left)
        go_on.join()
        result.fact("calls lost", len(left), 0)
        result.fact("calls that hung and were made again", again, "some", again > 0)
        result.timing("longest wait", f"{max(waits):.1f} s", "20 s", max(waits) <= 20)

        # One call of gradus grade has no deadline while answers come: its keepalive has to see it.
        if not world.is_quick:
            with subprocess.Popen(grade_command(world, handed, handed.folders[0], addresses),
                                  stdout=subprocess.PIPE) as grading:
                def streams(server: Server) -> float:
                    return server.metric("grpc_server_started_total", grpc_method="GradeStream")

                wait_until(lambda: streams(first) + streams(second) > 0, step=0.001)
                hung = first if streams(first) > 0 else second
                hung.send(signal.SIGSTOP)
                begun = time.monotonic()
                output = grading.communicate()[0]
                seconds = time.monotonic() - begun
                hung.send(signal.SIGCONT)
            result.fact("papers lost", FOLDER - len(json.loads(output)), 0)
            result.timing("gradus grade went on and was done in", f"{seconds:.1f} s", "20 s", seconds <= 20)
    return result
