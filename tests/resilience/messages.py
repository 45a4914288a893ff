"""The problem that scenarios compute, problem 1 of the homework with numbers of their own, and papers on it."""

from __future__ import annotations

from gradus.v1.assignment_pb2 import (
    FEEDBACK_LEVEL_VALUES, Assignment, FeedbackLevel, Item, NamedProblem, Policy, Tolerance)
from gradus.v1.grade_pb2 import Answer, Submission
from gradus.v1.gradient_service_pb2 import CheckRequest, ForwardRequest
from gradus.v1.network_pb2 import (
    REDUCTION_SUM, Dense, HalfSquaredError, Input, MatMul, Network, Node, Parameter, Sigmoid, Sum)
from gradus.v1.optimizer_pb2 import Optimizer, Sgd
from gradus.v1.problem_pb2 import Problem
from gradus.v1.tensor_pb2 import NamedTensor, Tensor
from gradus.v1.trace_pb2 import TraceOptions

RELATIVE_TOLERANCE = 1e-6
# What a paper answers, in the order of computation, and the shapes.
QUANTITIES = {"h": [2], "yhat": [2], "L": [], "grad(W2)": [2, 2], "grad(b1)": [1]}  # ten numbers


class Numbers:
    """What problem 1 begins with; by default those of the homework."""

    x = [0.05, 0.1]
    t = [0.01, 0.02]
    w1 = [0.15, 0.2, 0.25, 0.3]
    b1 = 0.35
    w2 = [0.4, 0.45, 0.5, 0.55]
    b2 = 0.6


def problem(numbers: Numbers) -> Problem:
    def given(name: str, values: list[float]) -> NamedTensor:
        return NamedTensor(name=name, tensor=Tensor(shape=[len(values)], values=values))

    def parameter(name: str, shape: list[int], values: list[float]) -> Parameter:
        return Parameter(name=name, value=Tensor(shape=shape, values=values))

    network = Network(
        inputs=[Input(name="x"), Input(name="t")],
        parameters=[
            parameter("W1", [2, 2], numbers.w1), parameter("b1", [1], [numbers.b1]),
            parameter("W2", [2, 2], numbers.w2), parameter("b2", [1], [numbers.b2])],
        nodes=[
            Node(name="z_h", inputs=["x", "W1", "b1"], dense=Dense()),
            Node(name="h", inputs=["z_h"], sigmoid=Sigmoid()),
            Node(name="o", inputs=["h", "W2", "b2"], dense=Dense()),
            Node(name="yhat", inputs=["o"], sigmoid=Sigmoid()),
            Node(name="L", inputs=["yhat", "t"], half_squared_error=HalfSquaredError(reduction=REDUCTION_SUM))])
    return Problem(network=network, inputs=[given("x", numbers.x), given("t", numbers.t)], objective="L",
                   optimizer=Optimizer(sgd=Sgd(learning_rate=0.5)))


def assignment(numbers: Numbers, level: FeedbackLevel = FEEDBACK_LEVEL_VALUES) -> Assignment:
    return Assignment(
        name="resilience", problems=[NamedProblem(name="p", problem=problem(numbers))],
        items=[Item(id=quantity, quantity=quantity) for quantity in QUANTITIES],
        policy=Policy(feedback_level=level, tolerance=Tolerance(relative=RELATIVE_TOLERANCE, absolute=0)))


def paper(id: str, answers: dict[str, list[float]]) -> Submission:
    return Submission(id=id, answers=[
        Answer(item=quantity, tensor=Tensor(shape=QUANTITIES[quantity], values=values))
        for quantity, values in answers.items()])


def matrix_chain(size: int, products: int) -> Problem:
    """Work: so many products of square matrices one after the other, and what they sum to."""
    nodes = [Node(name=f"m{i}", inputs=[f"m{i - 1}" if i > 0 else "w", "w"], mat_mul=MatMul()) for i in range(products)]
    nodes.append(Node(name="L", inputs=[nodes[-1].name], sum=Sum()))
    value = Tensor(shape=[size, size], values=[(i * i % 7 - 3) / size for i in range(size * size)])
    return Problem(network=Network(parameters=[Parameter(name="w", value=value)], nodes=nodes), objective="L")


def heavy_forward() -> ForwardRequest:
    """Milliseconds of work."""
    return ForwardRequest(problem=matrix_chain(size=24, products=200), trace=TraceOptions(only=["L"]))


def heavy_check() -> CheckRequest:
    """Milliseconds of work in a message that is small, and so cheap to refuse."""
    return CheckRequest(problem=matrix_chain(size=20, products=2))
