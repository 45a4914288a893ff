"""The calls that every language makes: every RPC, every code and reason that a caller can cause, large messages,
numbers that are easy to get wrong, deadlines, cancels, and many submissions in one stream."""

import json
import pathlib
import random
import struct

from google.protobuf import text_format
from gradus.v1 import assignment_pb2, grade_pb2, gradient_service_pb2, grading_service_pb2, problem_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOMEWORK = ROOT / "examples" / "homework"
NETWORKS = ROOT / "examples" / "networks"

GRADIENT = "gradus.v1.GradientService/"
GRADING = "gradus.v1.GradingService/"

BULK_SUBMISSIONS = 2000


def read(path, message_type):
    return text_format.Parse(path.read_text(encoding="utf-8"), message_type())


def problem_files():
    return sorted(HOMEWORK.glob("problem_*.txtpb")) + sorted(NETWORKS.glob("*.txtpb"))


def submission_files():
    return sorted((HOMEWORK / "submissions").glob("*.txtpb"))


def problem(text):
    return text_format.Parse(text, problem_pb2.Problem())


def elementwise_problem(numbers, op, raw=False):
    """One op on a list of numbers."""
    made = problem(
        f'network {{ inputs {{ name: "x" }} nodes {{ name: "y" inputs: "x" {op} }} }} inputs {{ name: "x" }}')
    tensor = made.inputs[0].tensor
    tensor.shape.append(len(numbers))
    if raw:
        tensor.raw_le_f64 = struct.pack(f"<{len(numbers)}d", *numbers)
    else:
        tensor.values.extend(numbers)
    return made


def long_work(size=60):
    """Work of a second or two, of many with a size of 100, and of minutes with one of 150."""
    made = problem("""
        network {
          parameters { name: "w" value {} }
          nodes { name: "a" inputs: ["w", "w"] mat_mul {} }
          nodes { name: "b" inputs: ["a", "a"] mat_mul {} }
          nodes { name: "L" inputs: "b" sum {} }
        }
        objective: "L"
    """)
    value = made.network.parameters[0].value
    value.shape.extend([size, size])
    value.values.extend(0.01 * (i % 7) for i in range(size * size))
    return gradient_service_pb2.CheckRequest(problem=made)


class Calls:
    """A list for replay.*, with what must come of each call."""

    def __init__(self, directory):
        self.directory = directory
        self.calls = []
        # By name: the code, the reason or "", and whether the order of the results is open.
        self.expected = {}

    def add(self, name, method, *requests, expect="OK", reason="", in_any_order=False, **options):
        assert name not in self.expected, name
        files = []
        for number, request in enumerate(requests):
            file = self.directory / f"{name}.request.{number}"
            file.write_bytes(request.SerializeToString())
            files.append(str(file))
        self.calls.append({"name": name, "method": method, "requests": files, **options})
        self.expected[name] = (expect, reason, in_any_order)

    def write(self, token=None):
        """Writes the list, all calls with this token but those that have one of their own."""
        file = self.directory / "calls.json"
        file.write_text(json.dumps([call if token is None else {"token": token, **call} for call in self.calls]))
        return file


def add_gradients(calls):
    service = gradient_service_pb2
    for file in problem_files():
        given = read(file, problem_pb2.Problem)
        calls.add(f"forward_{file.stem}", GRADIENT + "Forward", service.ForwardRequest(problem=given))
        if given.objective:
            calls.add(f"backward_{file.stem}", GRADIENT + "Backward", service.BackwardRequest(problem=given))
        if given.HasField("optimizer"):
            calls.add(f"step_{file.stem}", GRADIENT + "Step", service.StepRequest(problem=given))
    first = read(HOMEWORK / "problem_1.txtpb", problem_pb2.Problem)
    for encoding in ("VALUES", "RAW_LE_F64", "RAW_LE_F32"):
        request = service.BackwardRequest(problem=first, trace={"encoding": f"TENSOR_ENCODING_{encoding}"})
        calls.add(f"encoding_{encoding.lower()}", GRADIENT + "Backward", request)
    calls.add("check_every_method", GRADIENT + "Check",
              service.CheckRequest(problem=first, methods=[1, 2, 3, 4], seed=7))
    kinks = read(NETWORKS / "relu_kinks.txtpb", problem_pb2.Problem)
    calls.add("check_kinks", GRADIENT + "Check", service.CheckRequest(problem=kinks))
    calls.add("explain", GRADIENT + "Explain", service.ExplainRequest(problem=first), expect="UNIMPLEMENTED")
    calls.add("stream_trace", GRADIENT + "StreamTrace",
              service.StreamTraceRequest(backward={"problem": first}), expect="UNIMPLEMENTED")
    calls.add("ops", GRADIENT + "ListOps", service.ListOpsRequest())
    calls.add("op", GRADIENT + "ListOps", service.ListOpsRequest(name="softplus"))
    calls.add("unknown_op_name", GRADIENT + "ListOps", service.ListOpsRequest(name="softminus"), expect="NOT_FOUND")
    calls.add("limits", GRADIENT + "GetLimits", service.GetLimitsRequest())


def add_numbers(calls):
    """Numbers that are lost if anything on the way rounds, takes a zero for an unset field, or knows no infinity."""
    service = gradient_service_pb2
    edges = [0.0, -0.0, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 2.0**53 + 2, -1e-17]
    draw = random.Random(6)
    finite = []
    while len(finite) < 1000:
        number = struct.unpack("<d", draw.randbytes(8))[0]
        if number - number == 0:
            finite.append(number)
    calls.add("edges", GRADIENT + "Forward", service.ForwardRequest(problem=elementwise_problem(edges, "identity {}")))
    calls.add("random_bits", GRADIENT + "Forward",
              service.ForwardRequest(problem=elementwise_problem(finite, "negate {}")))
    for name, op, numbers in [("infinite", "exp {}", [1e3, -1e3, 0.0]), ("no_number", "log {}", [-1.0, 0.0, 1.0])]:
        calls.add(name, GRADIENT + "Forward", service.ForwardRequest(problem=elementwise_problem(numbers, op)))


def add_large(calls):
    """Just below and above the 16 MiB that a server takes."""
    service = gradient_service_pb2
    numbers = [i * 0.001 for i in range(2_090_000)]
    for name, encoding, raw in [("large_raw", "RAW_LE_F64", True), ("large_values", "VALUES", False)]:
        request = service.ForwardRequest(
            problem=elementwise_problem(numbers, "negate {}", raw), trace={"encoding": f"TENSOR_ENCODING_{encoding}"})
        assert 15.5 * 2**20 < request.ByteSize() <= 16 * 2**20
        calls.add(name, GRADIENT + "Forward", request)
    too_large = service.ForwardRequest(problem=elementwise_problem([0.5] * 2_100_000, "negate {}", True))
    calls.add("too_large", GRADIENT + "Forward", too_large, expect="RESOURCE_EXHAUSTED")


def add_refusals(calls):
    """Every reason that field_error.h knows."""
    def broken(name, reason, text, expect="INVALID_ARGUMENT"):
        request = gradient_service_pb2.ForwardRequest(problem=problem(text))
        calls.add(name, GRADIENT + "Forward", request, expect=expect, reason=reason)

    x = 'inputs { name: "x" tensor { shape: 2 values: [1, 2] } }'
    broken("missing_field", "MISSING_FIELD", 'objective: "y"')
    broken("invalid_value", "INVALID_VALUE",
           f'network {{ inputs {{ name: "x" }} nodes {{ name: "y" inputs: "x" softmax {{ axis: 7 }} }} }} {x}')
    broken("unknown_name", "UNKNOWN_NAME",
           f'network {{ inputs {{ name: "x" }} nodes {{ name: "y" inputs: "z" exp {{}} }} }} {x}')
    broken("duplicate_name", "DUPLICATE_NAME",
           f'network {{ inputs {{ name: "x" }} nodes {{ name: "x" inputs: "x" exp {{}} }} }} {x}')
    broken("unknown_op", "UNKNOWN_OP", f'network {{ inputs {{ name: "x" }} nodes {{ name: "y" inputs: "x" }} }} {x}')
    broken("cycle", "CYCLE",
           'network { nodes { name: "a" inputs: "b" exp {} } nodes { name: "b" inputs: "a" exp {} } }')
    broken("shape_mismatch", "SHAPE_MISMATCH",
           'network { inputs { name: "x" } parameters { name: "W" value { shape: [1, 3] values: [1, 2, 3] } }'
           f' nodes {{ name: "y" inputs: ["x", "W"] dense {{}} }} }} {x}')
    broken("value_count", "VALUE_COUNT",
           'network { inputs { name: "x" } nodes { name: "y" inputs: "x" exp {} } }'
           ' inputs { name: "x" tensor { shape: 3 values: [1, 2] } }')
    broken("non_finite_input", "NON_FINITE_INPUT",
           'network { inputs { name: "x" } nodes { name: "y" inputs: "x" exp {} } }'
           ' inputs { name: "x" tensor { shape: 2 values: [1, nan] } }')
    broken("limit_exceeded", "LIMIT_EXCEEDED",
           'network { inputs { name: "x" } nodes { name: "y" inputs: "x" broadcast { shape: [1000000, 1000000, 2] } } }'
           f" {x}")
    # With letters that are more than a byte, in the message and in its details.
    broken("letters", "UNKNOWN_NAME",
           f'network {{ inputs {{ name: "x" }} nodes {{ name: "y" inputs: "Übung 4 – 重み" exp {{}} }} }} {x}')


def add_grading(calls):
    service = grading_service_pb2
    assignment = read(HOMEWORK / "homework.txtpb", assignment_pb2.Assignment)
    submissions = [read(file, grade_pb2.Submission) for file in submission_files()]
    for submission in submissions:
        calls.add(f"grade_{submission.id}", GRADING + "Grade",
                  service.GradeRequest(assignment=assignment, submission=submission))
        calls.add(f"grade_held_{submission.id}", GRADING + "Grade",
                  service.GradeRequest(assignment_name="homework", submission=submission, max_feedback_level=2))
    all_told = assignment_pb2.Assignment()
    all_told.CopyFrom(assignment)
    all_told.policy.feedback_level = assignment_pb2.FEEDBACK_LEVEL_VALUES
    # With a window whose ends may be NaN.
    calls.add("grade_values", GRADING + "Grade",
              service.GradeRequest(assignment=all_told, submission=read(
                  HOMEWORK / "submissions" / "planted_error.txtpb", grade_pb2.Submission)))
    calls.add("grade_unknown", GRADING + "Grade",
              service.GradeRequest(assignment_name="nobody's", submission=submissions[0]),
              expect="NOT_FOUND", reason="NOT_FOUND")
    calls.add("lint", GRADING + "LintAssignment", service.LintAssignmentRequest(assignment=assignment))
    calls.add("assignments", GRADING + "ListAssignments", service.ListAssignmentsRequest())
    calls.add("assignment", GRADING + "GetAssignment", service.GetAssignmentRequest(name="homework"))
    calls.add("assignment_unknown", GRADING + "GetAssignment", service.GetAssignmentRequest(name="nobody's"),
              expect="NOT_FOUND", reason="NOT_FOUND")

    header = service.GradeStreamRequest(header={"assignment": assignment})
    held = service.GradeStreamRequest(header={"assignment_name": "homework"})

    def batch(*given):
        return service.GradeStreamRequest(batch={"submissions": given})

    # The second of an id is answered with ALREADY_EXISTS, and the last has an id that is too long.
    wrong = grade_pb2.Submission(id="x" * 300)
    calls.add("stream", GRADING + "GradeStream", header, batch(*submissions), batch(submissions[0], wrong),
              in_any_order=True)
    calls.add("stream_headless", GRADING + "GradeStream", batch(*submissions), expect="INVALID_ARGUMENT",
              reason="MISSING_FIELD")
    bulk = []
    for number in range(BULK_SUBMISSIONS):
        submission = grade_pb2.Submission()
        submission.CopyFrom(submissions[number % len(submissions)])
        submission.id = f"student {number}"
        bulk.append(submission)
    batches = [batch(*bulk[start : start + 32]) for start in range(0, len(bulk), 32)]
    calls.add("bulk", GRADING + "GradeStream", held, *batches, in_any_order=True)
    calls.add("stream_cancelled", GRADING + "GradeStream", held, batch(*submissions),
              expect="CANCELLED", keep_open=True, cancel_after_ms=300)
    calls.add("stream_late", GRADING + "GradeStream", held, batch(*submissions),
              expect="DEADLINE_EXCEEDED", keep_open=True, deadline_ms=300)


def common_calls(directory):
    """What staff may call on any server."""
    calls = Calls(directory)
    add_gradients(calls)
    add_numbers(calls)
    add_large(calls)
    add_refusals(calls)
    add_grading(calls)
    calls.add("late", GRADIENT + "Check", long_work(100), expect="DEADLINE_EXCEEDED", deadline_ms=300)
    calls.add("cancelled", GRADIENT + "Check", long_work(100), expect="CANCELLED", cancel_after_ms=300)
    return calls


def identity_calls(directory, student, expired):
    """What a server with tokens refuses, and what it lets students do."""
    calls = Calls(directory)
    service = grading_service_pb2
    forward = gradient_service_pb2.ForwardRequest(problem=read(HOMEWORK / "problem_1.txtpb", problem_pb2.Problem))
    submission = read(HOMEWORK / "submissions" / "paper.txtpb", grade_pb2.Submission)
    assignment = read(HOMEWORK / "homework.txtpb", assignment_pb2.Assignment)
    calls.add("no_token", GRADIENT + "Forward", forward, expect="UNAUTHENTICATED", reason="TOKEN_MISSING", token="")
    calls.add("no_good_token", GRADIENT + "Forward", forward, expect="UNAUTHENTICATED", reason="TOKEN_INVALID",
              token="secret")
    calls.add("expired_token", GRADIENT + "Forward", forward, expect="UNAUTHENTICATED", reason="TOKEN_EXPIRED",
              token=expired)
    calls.add("student_computes", GRADIENT + "Forward", forward, expect="PERMISSION_DENIED", reason="ROLE_FORBIDDEN",
              token=student)
    calls.add("student_sends_a_key", GRADING + "Grade",
              service.GradeRequest(assignment=assignment, submission=submission),
              expect="PERMISSION_DENIED", reason="ROLE_FORBIDDEN", token=student)
    calls.add("student_grades", GRADING + "Grade",
              service.GradeRequest(assignment_name="homework", submission=submission), token=student)
    return calls


def refused_call(directory, expect, reason=""):
    """A call that needs a worker."""
    calls = Calls(directory)
    calls.add("refused", GRADIENT + "Check", long_work(), expect=expect, reason=reason, deadline_ms=10000)
    return calls
