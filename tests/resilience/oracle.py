"""What problem 1 of the homework comes to and how papers on it are judged, worked out apart from the server: by hand,
from the definitions, number by number."""

from __future__ import annotations

import math
import random

from messages import RELATIVE_TOLERANCE, Numbers


def random_numbers(source: random.Random) -> Numbers:
    numbers = Numbers()
    numbers.x = [source.uniform(-2, 2) for _ in range(2)]
    numbers.t = [source.uniform(0, 1) for _ in range(2)]
    numbers.w1 = [source.uniform(-1, 1) for _ in range(4)]
    numbers.w2 = [source.uniform(-1, 1) for _ in range(4)]
    numbers.b1 = source.uniform(-1, 1)
    numbers.b2 = source.uniform(-1, 1)
    return numbers


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def solve(n: Numbers) -> dict[str, list[float]]:
    """The right answers."""
    h1 = sigmoid(n.x[0] * n.w1[0] + n.x[1] * n.w1[1] + n.b1)
    h2 = sigmoid(n.x[0] * n.w1[2] + n.x[1] * n.w1[3] + n.b1)
    y1 = sigmoid(h1 * n.w2[0] + h2 * n.w2[1] + n.b2)
    y2 = sigmoid(h1 * n.w2[2] + h2 * n.w2[3] + n.b2)
    d1 = (y1 - n.t[0]) * y1 * (1 - y1)  # dL/do1
    d2 = (y2 - n.t[1]) * y2 * (1 - y2)
    e1 = (d1 * n.w2[0] + d2 * n.w2[2]) * h1 * (1 - h1)  # dL/dz_h1
    e2 = (d1 * n.w2[1] + d2 * n.w2[3]) * h2 * (1 - h2)
    return {
        "h": [h1, h2],
        "yhat": [y1, y2],
        "L": [(y1 - n.t[0]) ** 2 / 2 + (y2 - n.t[1]) ** 2 / 2],
        "grad(W2)": [d1 * h1, d1 * h2, d2 * h1, d2 * h2],
        "grad(b1)": [e1 + e2]}


def answer(numbers: Numbers, source: random.Random) -> dict[str, list[float]]:
    """What somebody might answer: some numbers right to the last digit, some within the tolerance, some far from it,
    each in its own way so that none follows from another, some not given."""
    answers = solve(numbers)
    for values in answers.values():
        for i in range(len(values)):
            values[i] *= source.choice([1, 1, 1, 1 + 0.4 * RELATIVE_TOLERANCE, source.uniform(-2, 0.99)])
    if source.random() < 0.1:
        answers.pop(source.choice(list(answers)))
    return answers


def judge(numbers: Numbers, answers: dict[str, list[float]]) -> tuple[dict[str, list[bool]], float]:
    """Which numbers are right, and the points in all."""
    verdicts, points = {}, 0.0
    for quantity, expected in solve(numbers).items():
        given = answers.get(quantity)
        verdicts[quantity] = [given is not None and abs(given[i] - value) <= RELATIVE_TOLERANCE * abs(value)
                              for i, value in enumerate(expected)]
        # An equal share of one point each.
        points += math.floor(1000 * sum(verdicts[quantity]) / len(expected) + 0.5) / 1000
    return verdicts, points
