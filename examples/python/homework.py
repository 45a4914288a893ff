#!/usr/bin/python3
"""Calls Gradus from Python: problem 1 of the homework, forward, backward, one step of gradient descent, and grading.

The program is a test as well: it compares the answers with numbers that must come out, and ends with exit code 1 if
they differ. The stubs that it imports come from generate_stubs; see README.md.
"""

import argparse
import math
import os
import pathlib
import struct
import sys
import time

import grpc
from google.protobuf import text_format
from google.rpc import error_details_pb2, status_pb2
from gradus.v1 import gradient_service_pb2 as service
from gradus.v1 import gradient_service_pb2_grpc, grading_service_pb2_grpc
from gradus.v1.assignment_pb2 import FEEDBACK_LEVEL_FIRST_WRONG_STEP, Assignment, Item, NamedProblem, Policy
from gradus.v1.grade_pb2 import Answer, Submission, TextTensor
from gradus.v1.grading_service_pb2 import GradeRequest, GradeStreamHeader, GradeStreamRequest, SubmissionBatch
from gradus.v1.network_pb2 import REDUCTION_SUM, Dense, HalfSquaredError, Input, Network, Node, Parameter, Sigmoid
from gradus.v1.optimizer_pb2 import Optimizer, Sgd
from gradus.v1.problem_pb2 import Problem
from gradus.v1.tensor_pb2 import TENSOR_ENCODING_RAW_LE_F64, NamedTensor, Tensor
from gradus.v1.trace_pb2 import TraceOptions

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROBLEM_FILE = ROOT / "examples" / "homework" / "problem_1.txtpb"

# What gRPC should do of itself: among others, call again if a server has no time. No method changes anything, so to call
# twice does no harm.
SERVICE_CONFIG_FILE = ROOT / "client" / "service_config.json"

# Every call has a deadline: without one, a program may wait forever for a server that is not there.
DEADLINE_SECONDS = 10


def tensor(numbers):
    """The Tensor of a number, or of a list of numbers, or of a list of rows, and so on."""
    if not isinstance(numbers, list):
        return Tensor(values=[numbers])
    parts = [tensor(part) for part in numbers]
    return Tensor(shape=[len(parts), *parts[0].shape], values=[value for part in parts for value in part.values])


def raw(tensor):
    """The same tensor as bytes, much the faster way for large ones; in NumPy, array.astype("<f8").tobytes()."""
    return Tensor(shape=tensor.shape, raw_le_f64=struct.pack(f"<{len(tensor.values)}d", *tensor.values))


def build_problem():
    """Problem 1 of the homework: two inputs, two hidden units and two outputs, all of them sigmoid."""
    network = Network(
        name="2-2-2 sigmoid network, one bias per layer",
        inputs=[Input(name="x"), Input(name="t")],
        parameters=[
            # One row per unit: row 0 is w1 w2, the weights into h1; row 1 is w3 w4, the weights into h2.
            Parameter(name="W1", value=tensor([[0.15, 0.2], [0.25, 0.3]])),
            # A list of one number: both units of the layer use it.
            Parameter(name="b1", value=tensor([0.35])),
            Parameter(name="W2", value=tensor([[0.4, 0.45], [0.5, 0.55]])),
            Parameter(name="b2", value=tensor([0.6])),
        ],
        nodes=[
            Node(name="z_h", inputs=["x", "W1", "b1"], dense=Dense()),
            Node(name="h", inputs=["z_h"], sigmoid=Sigmoid()),
            Node(name="o", inputs=["h", "W2", "b2"], dense=Dense()),
            Node(name="yhat", inputs=["o"], sigmoid=Sigmoid()),
            Node(name="L", inputs=["yhat", "t"], half_squared_error=HalfSquaredError(reduction=REDUCTION_SUM)),
        ],
    )
    return Problem(
        network=network,
        inputs=[
            NamedTensor(name="x", tensor=tensor([0.05, 0.1])),
            NamedTensor(name="t", tensor=tensor([0.01, 0.02])),
        ],
        objective="L",
        optimizer=Optimizer(sgd=Sgd(learning_rate=0.5)),
    )


def build_assignment():
    """What the student is asked, and where the right answers are in the problem."""
    return Assignment(
        name="homework",
        problems=[NamedProblem(name="problem_1", problem=build_problem())],
        items=[
            Item(id="h1", quantity="h[0]"),
            Item(id="yhat1", quantity="yhat[0]"),
            Item(id="dL/dw5", quantity="grad(W2)[0,0]"),
            Item(id="w5'", quantity="next(W2)[0,0]"),
        ],
        policy=Policy(feedback_level=FEEDBACK_LEVEL_FIRST_WRONG_STEP),
    )


def build_submission(submission_id, answers):
    """What a student wrote, as it was written: "0.130" has three decimals."""
    return Submission(
        id=submission_id,
        answers=[Answer(item=item, text=TextTensor(values=[number])) for item, number in answers.items()],
    )


ADA = build_submission("ada", {"h1": "0.593", "yhat1": "0.751", "dL/dw5": "0.082", "w5'": "0.359"})
# Forgot h1 in the gradient, and went on with that.
BEN = build_submission("ben", {"h1": "0.593", "yhat1": "0.751", "dL/dw5": "0.138", "w5'": "0.331"})


def build_long_work():
    """Work of some seconds: the gradient of 3600 numbers, checked one by one."""
    network = Network(
        parameters=[Parameter(name="w", value=Tensor(shape=[60, 60], values=[0.01 * (i % 7) for i in range(3600)]))],
        nodes=[
            Node(name="a", inputs=["w", "w"], mat_mul={}),
            Node(name="b", inputs=["a", "a"], mat_mul={}),
            Node(name="L", inputs=["b"], sum={}),
        ],
    )
    return service.CheckRequest(problem=Problem(network=network, objective="L"))


def open_channel(server, tls_ca):
    """Over TLS if the file with the roots is named, with the token in GRADUS_TOKEN if there is one."""
    options = [("grpc.service_config", SERVICE_CONFIG_FILE.read_text(encoding="utf-8"))]
    if tls_ca is None:
        return grpc.insecure_channel(server, options)
    credentials = grpc.ssl_channel_credentials(pathlib.Path(tls_ca).read_bytes())
    if token := os.environ.get("GRADUS_TOKEN"):
        credentials = grpc.composite_channel_credentials(credentials, grpc.access_token_call_credentials(token))
    return grpc.secure_channel(server, credentials, options)


class Gradus:
    """The calls, each with the deadline."""

    def __init__(self, channel):
        self._stub = gradient_service_pb2_grpc.GradientServiceStub(channel)
        self._grading = grading_service_pb2_grpc.GradingServiceStub(channel)

    def forward(self, problem, **options):
        request = service.ForwardRequest(problem=problem, trace=TraceOptions(**options))
        return self._stub.Forward(request, timeout=DEADLINE_SECONDS, wait_for_ready=True)

    def backward(self, problem, **options):
        request = service.BackwardRequest(problem=problem, trace=TraceOptions(**options))
        return self._stub.Backward(request, timeout=DEADLINE_SECONDS, wait_for_ready=True)

    def step(self, problem, **options):
        request = service.StepRequest(problem=problem, trace=TraceOptions(**options))
        return self._stub.Step(request, timeout=DEADLINE_SECONDS, wait_for_ready=True)

    def start_check(self, request, timeout=DEADLINE_SECONDS):
        """A call that goes on by itself: ask it for result(), or cancel() it."""
        return self._stub.Check.future(request, timeout=timeout, wait_for_ready=True)

    def grade(self, assignment, submission):
        # With assignment_name= in place of assignment=, the server takes one of those that it holds.
        request = GradeRequest(assignment=assignment, submission=submission)
        return self._grading.Grade(request, timeout=DEADLINE_SECONDS, wait_for_ready=True).report

    def grade_all(self, assignment, submissions, batch_size=16):
        """The results, in any order, as they come. The submissions may be a generator of millions."""

        def requests():
            yield GradeStreamRequest(header=GradeStreamHeader(assignment=assignment))
            for start in range(0, len(submissions), batch_size):
                yield GradeStreamRequest(batch=SubmissionBatch(submissions=submissions[start : start + batch_size]))

        for response in self._grading.GradeStream(requests(), timeout=DEADLINE_SECONDS, wait_for_ready=True):
            yield from response.results


def quantities(trace):
    """The tensors of a trace by their addresses: "h", "grad(W1)", "L@1"."""
    return {entry.address: entry.tensor for entry in trace.entries}


def details(error):
    """What was wrong, for programs: Gradus sends a google.rpc.Status along with the code and the message.

    Returns the reason, and the violations: which field, and why.
    """
    reason, violations = "", []
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
                if detail.Unpack(info):
                    reason = info.reason
                elif detail.Unpack(bad_request):
                    violations.extend(bad_request.field_violations)
    return reason, violations


def show(name, tensor):
    numbers = [round(value, 6) for value in tensor.values]
    for length in reversed(tensor.shape[1:]):
        numbers = [numbers[start : start + length] for start in range(0, len(numbers), length)]
    print(f"  {name:8} = {numbers if tensor.shape else numbers[0]}")


class Checks:
    """Compares what came out with what must come out, and remembers what differs."""

    def __init__(self):
        self.failures = []

    def near(self, name, value, expected):
        if not math.isclose(value, expected, rel_tol=1e-9):
            self.failures.append(f"{name} is {value!r} but must be {expected!r}")

    def holds(self, condition, failure):
        if not condition:
            self.failures.append(failure)


def do_homework(gradus, checks):
    problem = build_problem()

    print("Forward: the value of every node")
    forward = gradus.forward(problem)
    values = quantities(forward.trace)
    for name in ["h", "yhat", "L"]:
        show(name, values[name])
    checks.near("the loss L", values["L"].values[0], 0.5582617201218214)

    print("Backward: the gradient of the loss with respect to every parameter")
    backward = gradus.backward(problem)
    gradients = quantities(backward.trace)
    for name in ["grad(W1)", "grad(b1)", "grad(W2)", "grad(b2)"]:
        show(name, gradients[name])
    checks.near("the gradient dL/dw5", gradients["grad(W2)"].values[0], 0.08216704056423077)

    print("Step: the parameters after one update, and the loss that they give")
    # From a large network one asks only for what one needs. L@1 is L after one update.
    step = gradus.step(problem, only=["L@1"])
    parameters = {parameter.name: parameter.tensor for parameter in step.parameters}
    for name, value in parameters.items():
        show(name, value)
    show("L@1", quantities(step.trace)["L@1"])
    checks.near("the updated weight w5'", parameters["W2"].values[0], 0.35891647971788465)

    # The same problem as a file, which the command line reads as well.
    from_file = text_format.Parse(PROBLEM_FILE.read_text(encoding="utf-8"), Problem())
    answers = gradus.forward(from_file), gradus.backward(from_file), gradus.step(from_file, only=["L@1"])
    checks.holds(answers == (forward, backward, step), f"{PROBLEM_FILE.name} and the problem built here differ")

    # The same problem with its tensors as bytes, there and back.
    as_bytes = build_problem()
    for parameter in as_bytes.network.parameters:
        parameter.value.CopyFrom(raw(parameter.value))
    for given in as_bytes.inputs:
        given.tensor.CopyFrom(raw(given.tensor))
    answer = gradus.backward(as_bytes, encoding=TENSOR_ENCODING_RAW_LE_F64)
    expected = {address: raw(value) for address, value in gradients.items()}
    checks.holds(quantities(answer.trace) == expected, "the numbers in raw_le_f64 differ from those in values")


def do_grading(gradus, checks):
    assignment = build_assignment()

    print("Grade: one submission")
    report = gradus.grade(assignment, BEN)
    show_report(report)
    checks.holds(report.first_wrong_item == "dL/dw5", f"the first wrong step is {report.first_wrong_item!r}")

    print("GradeStream: many of one assignment, in any order")
    results = sorted(gradus.grade_all(assignment, [ADA, BEN]), key=lambda result: result.submission_id)
    for result in results:
        if result.HasField("error"):
            print(f"  {result.submission_id}: {result.error.message}")
        else:
            show_report(result.report)
    checks.holds(results[1].report == report, "Grade and GradeStream differ")
    checks.holds([result.report.earned_points for result in results] == [4, 3], "the points differ from 4 and 3")


def show_report(report):
    wrong = f", first wrong step {report.first_wrong_item}" if report.first_wrong_item else ""
    print(f"  {report.submission_id}: {report.earned_points:g} / {report.possible_points:g} points{wrong}")


def make_a_mistake(gradus, checks):
    print("A mistake: W1 has three columns, but x has two numbers")
    problem = build_problem()
    problem.network.parameters[0].value.CopyFrom(tensor([[0.15, 0.2, 0.1], [0.25, 0.3, 0.1]]))
    try:
        gradus.forward(problem)
    except grpc.RpcError as error:
        reason, violations = details(error)
        print(f"  {error.code().name}, {reason}")
        for violation in violations:
            print(f"  {violation.field}: {violation.description}")
        checks.holds(error.code() == grpc.StatusCode.INVALID_ARGUMENT, f"the code is {error.code()}")
        checks.holds(reason == "SHAPE_MISMATCH", f"the reason is {reason}")
        fields = [violation.field for violation in violations]
        checks.holds(fields == ["network.nodes[0]"], f"the fields in error are {fields}, but must be network.nodes[0]")
        checks.holds(all(violation.description for violation in violations), "an error has no description")
    else:
        checks.holds(False, "a W1 of the wrong shape was taken, but must be refused")


def give_up(gradus, checks):
    print("A deadline of 0.1 s, for work of many seconds")
    call = gradus.start_check(build_long_work(), timeout=0.1)
    print(f"  {call.code().name}")
    checks.holds(call.code() == grpc.StatusCode.DEADLINE_EXCEEDED, f"the deadline ends with {call.code()}")

    print("A call that is cancelled: the server stops too")
    call = gradus.start_check(build_long_work())
    time.sleep(0.1)
    call.cancel()
    print(f"  {call.code().name}")
    checks.holds(call.code() == grpc.StatusCode.CANCELLED, f"the cancelled call ends with {call.code()}")


def main():
    parser = argparse.ArgumentParser(description="Does problem 1 of the homework on a Gradus server.")
    parser.add_argument("--server", default="127.0.0.1:50051", metavar="HOST:PORT", help="default: %(default)s")
    parser.add_argument(
        "--tls-ca",
        metavar="FILE",
        help="call over TLS, with the token in GRADUS_TOKEN: the roots that the server's certificate comes from",
    )
    arguments = parser.parse_args()

    checks = Checks()
    with open_channel(arguments.server, arguments.tls_ca) as channel:
        gradus = Gradus(channel)
        try:
            do_homework(gradus, checks)
            do_grading(gradus, checks)
            make_a_mistake(gradus, checks)
            give_up(gradus, checks)
        except grpc.RpcError as error:
            sys.exit(f"homework.py: {arguments.server} answered {error.code().name}: {error.details()}")
    if checks.failures:
        sys.exit("\n".join(f"homework.py: {failure}" for failure in checks.failures))
    print("All of it is as it must be.")


if __name__ == "__main__":
    main()
