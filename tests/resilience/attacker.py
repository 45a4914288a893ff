"""T3: a student who asks Grade a thousand times, to learn the key from what it answers."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

from google.protobuf import text_format
from scenario import ROOT, Result, Server, World, scenario

from gradus.v1 import assignment_pb2, grade_pb2, grading_service_pb2, grading_service_pb2_grpc

QUERIES = 1000
SCORE, VERDICT, VALUES = (assignment_pb2.FeedbackLevel.Value(f"FEEDBACK_LEVEL_{name}")
                          for name in ("SCORE", "VERDICT", "VALUES"))


class OutOfQueries(Exception):
    pass


# What can be earned for what follows from an error, by the name of an assignment.
CARRIED_CREDIT = {"with": 1.0, "without": 0.0}


def hold_homework(world: World) -> str:
    """A folder of assignments, in which every item has one point."""
    folder = world.folder / "assignments"
    folder.mkdir()
    homework = text_format.Parse((ROOT / "examples/homework/homework.txtpb").read_text(encoding="utf-8"),
                                 assignment_pb2.Assignment())
    homework.policy.feedback_level = VALUES
    for item in homework.items:
        item.points = 1
    for homework.name, homework.policy.carried_credit in CARRIED_CREDIT.items():
        (folder / f"{homework.name}.txtpb").write_text(text_format.MessageToString(homework), encoding="utf-8")
    return str(folder)


class Oracle:
    """Grades what it is asked to, as often as the attacker may, and knows the key."""

    def __init__(self, server: Server, assignment: str = "with") -> None:
        self._assignment = assignment
        self._channel = server.channel()
        self._grade = grading_service_pb2_grpc.GradingServiceStub(self._channel).Grade
        self.key = {item.id: item.expected for item in self.report(VALUES, {}).items}
        self.asked = 0

    def report(self, level: int, answers: dict[str, str], **declared: int) -> grade_pb2.GradeReport:
        """The answers are what would be written, or a formula if they begin with '='."""
        submission = grade_pb2.Submission(declared_digits=declared)
        for item, text in answers.items():
            answer = submission.answers.add(item=item)
            if text.startswith("="):
                answer.formula = text[1:]
            else:
                answer.text.values.append(text)
        return self._grade(grading_service_pb2.GradeRequest(
            assignment_name=self._assignment, submission=submission, max_feedback_level=level), timeout=60).report

    def score(self, answers: dict[str, str]) -> float:
        if self.asked == QUERIES:
            raise OutOfQueries
        self.asked += 1
        return self.report(SCORE, answers).earned_points


def guess_outright(oracle: Oracle) -> float:
    """dL/dh1, by every number of three decimals, the small ones first."""
    for i, sign in itertools.product(range(QUERIES), (1, -1)):
        if oracle.score({"dL/dh1": f"{sign * i / 1000:.3f}"}) > 0:
            return sign * i / 1000
    return math.nan


def threshold_formula(oracle: Oracle, quantity: str = "grad(yhat)[0]") -> float:
    """A quantity, by formulas for dL/do1 that are 1 or 3, as it is below a threshold or not, and what follows from 3."""
    low, high = -100.0, 100.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        formula = f"=2 + tanh(1e9 * ({quantity} - ({middle:.17g})))"
        if oracle.score({"dL/do1": formula, "dL/do2": "5.000", "dL/db2": "8.000"}) > 0:
            low = middle
        else:
            high = middle
    return low


def unasked_threshold_formula(oracle: Oracle) -> float:
    """The same of dL/dt1, which no item asks for and which is dL/dyhat1 with the other sign."""
    return -threshold_formula(oracle, "grad(t)[0]")


def coarse_factor(oracle: Oracle) -> float:
    """dL/dh1, from what follows for dL/dz_h1 when the other factor is wrong, and so coarse that it leaves 5 % open."""
    for exponent, sign in itertools.product(range(120), (1, -1)):
        guess = sign * 10 * 1.08 ** -exponent
        # Twice, because the product may be right by chance.
        if all(oracle.score({"sigma'(z_h1)": f"{factor:.3f}", "dL/dz_h1": f"{factor * guess:.17g}"}) > 0
               for factor in (0.010, 0.011)):
            return guess
    return math.nan


def reach_of(attack: Callable[[Oracle], float], oracle: Oracle, item: str) -> tuple[bool, str]:
    """Whether the attack comes within 10 % of the key, and how near in how many queries."""
    key = oracle.key[item].values[0]
    try:
        error = abs(attack(oracle) - key) / abs(key)
    except OutOfQueries:
        error = math.nan
    if error < 0.1:
        return True, f"to {100 * error:.1g} % after {oracle.asked} queries"
    return False, f"not to 10 % in {oracle.asked} queries"


def told(report: grade_pb2.GradeReport, item: str) -> bytes:
    """What a report says of an item, and all that it says of no item."""
    kept = grade_pb2.GradeReport()
    kept.CopyFrom(report)
    del kept.items[:]
    kept.items.extend(entry for entry in report.items if entry.id == item)
    return kept.SerializeToString(deterministic=True)


@scenario("T3", "a thousand queries to Grade, at each feedback level, by a student who wants to know the key",
          "right or wrong of each item, no more; a gradient to 10 % only by guessing it, or what follows from it")
def attacker(world: World) -> Result:
    result = Result()
    with Server(world, "--assignments", hold_homework(world)) as server:
        chance = random.Random(3)
        for level, name in (SCORE, "SCORE"), (VERDICT, "VERDICT"):
            oracle, seen = Oracle(server), set()
            for _ in range(world.choose(QUERIES, 100)):
                number = chance.choice((1, -1)) * 10 ** chance.uniform(-12, 12)
                answer = chance.choice((f"{number:.6f}", f"{number:.17g}", f"={number:.17g}", f"=L + {number:.17g}"))
                seen.add(told(oracle.report(level, {"dL/dh1": answer}), "dL/dh1"))
            result.fact(f"reports on wrong answers at {name}", len(seen), 1)
        oracle = Oracle(server)
        beside = f"{1.2 * oracle.key['dL/dh1'].values[0]:.17g}"
        points = sum(oracle.report(SCORE, {"dL/dh1": beside}, **declared).earned_points
                     for declared in ({"decimals": 0}, {"significant_digits": 1}))
        result.fact("points for a wrong number with few digits declared", points, 0.0)
        for attack, item, assignment, may_succeed in (
                (threshold_formula, "dL/dyhat1", "with", False),
                # docs/grading.md says that what nobody asks for can be learned.
                (unasked_threshold_formula, "dL/dyhat1", "with", True),
                (unasked_threshold_formula, "dL/dyhat1", "without", False), (coarse_factor, "dL/dh1", "without", False),
                (coarse_factor, "dL/dh1", "with", True), (guess_outright, "dL/dh1", "without", True)):
            succeeds, reached = reach_of(attack, Oracle(server, assignment), item)
            result.fact(f"{attack.__name__.replace('_', ' ')}, {assignment} carried credit", reached,
                        "any" if may_succeed else "not to 10 %", may_succeed or not succeeds)
    return result
