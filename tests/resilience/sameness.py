"""The same question has the same answer, wherever and beside whatever it is worked out."""

from __future__ import annotations

import random

from calling import GRADE, call_all
from gradus.v1.grading_service_pb2 import GradeRequest
from messages import assignment, paper
from oracle import answer, random_numbers
from scenario import Result, Server, World, scenario


@scenario("T17", "10,000 papers graded by servers with 1, 2 and 8 workers, and by a second process with 2",
          "the same bytes from all")
def same_bytes(world: World) -> Result:
    result = Result()
    source = random.Random(17)
    requests = []
    for number in range(world.choose(10_000, 500)):
        numbers = random_numbers(source)
        submission = paper(str(number), answer(numbers, source))
        requests.append(GradeRequest(assignment=assignment(numbers), submission=submission).SerializeToString())
    answers = []
    for workers in (1, 2, 8, 2):
        with Server(world, "--workers", str(workers)) as server, server.channel() as channel:
            answers.append([(answer.code, answer.response) for answer in call_all(channel, GRADE, requests)])
    result.fact("papers", len(requests), len(requests))
    result.fact("not graded", sum(code != "OK" for code, _ in answers[0]), 0)
    result.fact("answers that differ", sum(len(set(of_paper)) > 1 for of_paper in zip(*answers)), 0)
    result.fact("different answers", len(set(answers[0])), len(requests))
    return result
