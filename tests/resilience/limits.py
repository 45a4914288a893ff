"""Requests made to cost more than they should, or that hold numbers which are none."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
from collections.abc import Iterator

import grpc
from google.protobuf import descriptor, message, text_format
from scenario import ROOT, Result, Server, World, scenario

from google.rpc import error_details_pb2, status_pb2
from gradus.v1 import gradient_service_pb2, gradient_service_pb2_grpc
from gradus.v1 import grading_service_pb2, grading_service_pb2_grpc
from gradus.v1 import assignment_pb2, grade_pb2, network_pb2, problem_pb2, tensor_pb2

MEBIBYTE = 2**20


def field_paths(error: grpc.RpcError) -> list[str]:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                bad_request = error_details_pb2.BadRequest()
                if detail.Unpack(bad_request):
                    return [violation.field for violation in bad_request.field_violations]
    return []


def answer_of(call: grpc.UnaryUnaryMultiCallable, request: message.Message) -> str:
    """OK, or the code, with a path where the error has one: "INVALID_ARGUMENT at network.nodes[0]"."""
    try:
        call(request, timeout=60)
        return "OK"
    except grpc.RpcError as error:
        return " at ".join([error.code().name, *field_paths(error)[:1]])


def problem_of(text: str) -> problem_pb2.Problem:
    return text_format.Parse(text, problem_pb2.Problem())


# T7


HOSTILE_NUMBERS = (2**31, 2**32, 2**62, 2**63 - 1, 0, -1)


def hostile_shapes(most_axes: int) -> Iterator[tuple[int, ...]]:
    for rank in range(1, most_axes + 1):
        yield from itertools.product(HOSTILE_NUMBERS, repeat=rank)
    chance = random.Random(7)
    for rank in (4, 8, 9, 64):
        for _ in range(20):
            yield tuple(chance.choice(HOSTILE_NUMBERS) for _ in range(rank))


def tensors_of(shape: tuple[int, ...]) -> Iterator[tensor_pb2.Tensor]:
    """With no number, and with one: as many as some products are, once they have wrapped."""
    yield tensor_pb2.Tensor(shape=shape)
    yield tensor_pb2.Tensor(shape=shape, values=[1])
    yield tensor_pb2.Tensor(shape=shape, raw_le_f64=bytes(8))
    yield tensor_pb2.Tensor(shape=shape, raw_le_f32=bytes(4))


ADDITION = '''
network {
  inputs { name: "x" } parameters { name: "w" value { values: 1 } } nodes { name: "y" inputs: ["x", "w"] add {} }
}
inputs { name: "x" tensor { values: %s } }
objective: "y"'''
ADDITION_IN_JSON = '''{
  "network": {
    "inputs": [{"name": "x"}], "parameters": [{"name": "w", "value": {"values": [1]}}],
    "nodes": [{"name": "y", "inputs": ["x", "w"], "add": {}}]
  },
  "inputs": [{"name": "x", "tensor": {"values": [%s]}}],
  "objective": "y"
}'''


def with_hostile_shapes(most_axes: int) -> Iterator[problem_pb2.Problem]:
    """Shapes of parameters, of inputs, and in the attributes of ops."""
    for shape in hostile_shapes(most_axes):
        for tensor in tensors_of(shape):
            problem = problem_of(ADDITION % 1)
            problem.inputs[0].tensor.CopyFrom(tensor)
            yield problem
            problem = problem_of(ADDITION % 1)
            problem.network.parameters[0].value.CopyFrom(tensor)
            yield problem
        for op in ("reshape", "broadcast"):
            if op == "reshape" and shape == (-1,):
                continue  # "All of them on one axis": no mistake.
            problem = problem_of(ADDITION % 1)
            del problem.network.nodes[0].inputs[1:]
            getattr(problem.network.nodes[0], op).shape.extend(shape)
            yield problem


# An op with integers among its attributes, and the shapes of operands that it takes.
OPERANDS = {
    "maxout": ["[2, 4]"], "flatten": ["[2, 4]"], "transpose": ["[2, 4]"], "slice": ["[2, 4]"],
    "batch_norm": ["[2, 4]", "[4]", "[4]"], "batch_norm_inference": ["[2, 4]", "[4]", "[4]", "[4]", "[4]"],
    "group_norm": ["[2, 4, 3]", "[4]", "[4]"], "conv1d": ["[1, 2, 6]", "[2, 2, 3]"],
    "conv2d": ["[1, 2, 6, 6]", "[2, 2, 3, 3]"], "conv_transpose2d": ["[1, 2, 6, 6]", "[2, 2, 3, 3]"],
    "max_pool1d": ["[1, 2, 6]"], "avg_pool1d": ["[1, 2, 6]"], "max_pool2d": ["[1, 2, 6, 6]"],
    "avg_pool2d": ["[1, 2, 6, 6]"], "attention": ["[2, 4]", "[2, 4]", "[2, 4]"], "concat": ["[2, 4]", "[2, 4]"],
    "stack": ["[2, 4]", "[2, 4]"],
}


def product_of(shape: str) -> int:
    product = 1
    for length in shape.strip("[]").split(","):
        product *= int(length)
    return product


def with_hostile_attributes() -> Iterator[problem_pb2.Problem]:
    """Every integer attribute of every op, once alone and once beside attributes that are right."""
    for op in network_pb2.Node.DESCRIPTOR.oneofs_by_name["op"].fields:
        integers = [field for field in op.message_type.fields if field.cpp_type in (
            descriptor.FieldDescriptor.CPPTYPE_INT32, descriptor.FieldDescriptor.CPPTYPE_INT64)]
        for field in integers:
            most = 2**31 - 1 if field.cpp_type == descriptor.FieldDescriptor.CPPTYPE_INT32 else 2**63 - 1
            for number in {min(number, most) for number in (*HOSTILE_NUMBERS, 1 - most, 2**31 - 1)}:
                for count in (1, 2, 5):
                    problem = problem_of('network { nodes { name: "y" } } objective: "y"')
                    for i, shape in enumerate(OPERANDS.get(op.name, ["[2, 4]"])):
                        problem.network.nodes[0].inputs.append(f"x{i}")
                        problem.network.inputs.add(name=f"x{i}")
                        problem.inputs.add(name=f"x{i}", tensor=text_format.Parse(
                            f"shape: {shape} values: {[1] * product_of(shape)}", tensor_pb2.Tensor()))
                    attributes = getattr(problem.network.nodes[0], op.name)
                    attributes.SetInParent()
                    if field.name != "kernel" and "kernel" in op.message_type.fields_by_name:
                        attributes.kernel.append(2)
                    if field.label == descriptor.FieldDescriptor.LABEL_REPEATED:
                        getattr(attributes, field.name).extend([number] * count)
                    else:
                        setattr(attributes, field.name, number)
                    yield problem


@scenario("T7", "shapes of {2^31, 2^32, 2^62, 2^63-1, 0, -1} in tensors, and these in every attribute of every op",
          "INVALID_ARGUMENT with a path, < 2 MiB more memory")
def hostile_shapes_are_refused(world: World) -> Result:
    result = Result()
    with Server(world) as server, server.channel() as channel:
        gradient = gradient_service_pb2_grpc.GradientServiceStub(channel)
        calls = ((gradient.Forward, gradient_service_pb2.ForwardRequest),
                 (gradient.Backward, gradient_service_pb2.BackwardRequest))
        shapes = list(with_hostile_shapes(world.choose(3, 2)))
        attributes = list(with_hostile_attributes())
        # What every thread takes once is not what shapes take.
        for _ in range(1000):
            for call, request in calls:
                assert answer_of(call, request(problem=problem_of(ADDITION % 1))) == "OK"
        memory = server.resident_bytes()
        server.forget_peak()
        answers = {answer_of(call, request(problem=problem)) for problem in shapes for call, request in calls}
        wrong = {answer for answer in answers if not answer.startswith("INVALID_ARGUMENT at ")}
        result.fact(f"answers to {2 * len(shapes)} shapes", wrong or "all refused", "all refused")
        answers = {answer_of(call, request(problem=problem)) for problem in attributes for call, request in calls}
        wrong = {answer for answer in answers if answer != "OK" and not answer.startswith("INVALID_ARGUMENT at ")}
        result.fact(f"answers to {2 * len(attributes)} attributes", wrong or "refused or right", "refused or right")
        grown = (server.peak_resident_bytes() - memory) / MEBIBYTE
        # What the allocator does by the way is about as much, so that this is no fact.
        result.timing("memory", f"+{grown:.1f} MiB", "< 2 MiB", grown < 2)
    return result


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 128:
        encoded.append(value % 128 | 128)
        value //= 128
    return bytes(encoded + bytes([value]))


def fillings(kind: descriptor.Descriptor,
             path: tuple[descriptor.Descriptor, ...] = ()) -> Iterator[tuple[str, list[int], bytes]]:
    """Every way to fill a message with the least that a repeated field may hold: its name, the numbers of the fields
    that lead to it, and one of the least."""
    if kind in path:
        return
    for field in kind.fields:
        repeats = field.label == descriptor.FieldDescriptor.LABEL_REPEATED
        is_bytes = field.type in (descriptor.FieldDescriptor.TYPE_MESSAGE, descriptor.FieldDescriptor.TYPE_STRING)
        if repeats and is_bytes:
            yield f"{kind.name}.{field.name}", [], varint(field.number << 3 | 2) + b"\0"
        elif repeats and field.cpp_type != descriptor.FieldDescriptor.CPPTYPE_DOUBLE:
            # Packed: one byte each.
            yield f"{kind.name}.{field.name}", [field.number], b"\0"
        if field.message_type is not None:
            for name, numbers, least in fillings(field.message_type, (*path, kind)):
                yield name, [field.number, *numbers], least
    if not path:
        yield "an unknown field", [], varint(1999 << 3) + b"\0"


def filled(numbers: list[int], least: bytes, size: int) -> bytes:
    payload = least * (size // len(least))
    for number in reversed(numbers):
        payload = varint(number << 3 | 2) + varint(len(payload)) + payload
    return payload


@scenario("T7", "16 MiB of the smallest parts that a request may have, of each kind that there is",
          "INVALID_ARGUMENT, and no more memory than a request may take beside its bytes: 256 MiB")
def many_small_parts(world: World) -> Result:
    result = Result()
    size, codes, worst = 16 * MEBIBYTE - 1000, set(), (0.0, "")
    kinds = {}
    for file in gradient_service_pb2.DESCRIPTOR, grading_service_pb2.DESCRIPTOR:
        for service in file.services_by_name.values():
            for method in service.methods:
                if method.name not in ("GradeStream", "StreamTrace", "Explain"):
                    for name, numbers, least in fillings(method.input_type):
                        kinds.setdefault(name, (f"/{service.full_name}/{method.name}", numbers, least))
    if world.is_quick:
        kinds = {name: kinds[name] for name in ("Network.nodes", "Submission.answers", "an unknown field")}
    with Server(world) as server, server.channel() as channel:
        for name, (path, numbers, least) in kinds.items():
            memory = server.resident_bytes()
            server.forget_peak()
            with contextlib.suppress(grpc.RpcError):
                channel.unary_unary(path)(filled(numbers, least, size), timeout=60)
                codes.add(f"OK for {name}")
            worst = max(worst, ((server.peak_resident_bytes() - memory) / MEBIBYTE, name))
    result.fact(f"{len(kinds)} kinds", codes or "all refused", "all refused")
    # The bytes are in memory three times: as they came, in one piece, and on their way.
    most = 256 + 3 * 16
    result.fact("memory", f"+{worst[0]:.0f} MiB, of {worst[1]}", f"< {most} MiB", worst[0] < most)
    return result


# T9


NAN, INFINITY, LARGEST, DENORMAL = math.nan, math.inf, sys.float_info.max, 5e-324
NO_NUMBERS = (NAN, -NAN, INFINITY, -INFINITY)
ODD_NUMBERS = (-0.0, DENORMAL, -DENORMAL, sys.float_info.min, LARGEST, -LARGEST)

LOSS = '''
network {
  inputs { name: "x" } inputs { name: "t" } parameters { name: "w" value { shape: 1 values: 2 } }
  nodes { name: "y" inputs: ["x", "w"] multiply {} }
  nodes { name: "L" inputs: ["y", "t"] squared_error { reduction: REDUCTION_SUM } }
}
inputs { name: "x" tensor { shape: 1 values: 3 } }
inputs { name: "t" tensor { shape: 1 values: 5 } }
objective: "L"
upstream { values: 1 }
optimizer { sgd { learning_rate: 0.1 momentum: 0.5 } }'''


def encodings(number: float) -> Iterator[tensor_pb2.Tensor]:
    yield tensor_pb2.Tensor(shape=[1], values=[number])
    yield tensor_pb2.Tensor(shape=[1], raw_le_f64=struct.pack("<d", number))
    with contextlib.suppress(OverflowError):  # Too large for a float.
        yield tensor_pb2.Tensor(shape=[1], raw_le_f32=struct.pack("<f", number))


def with_number(number: float) -> Iterator[gradient_service_pb2.StepRequest]:
    """In every place of a request that holds a tensor, and in numbers beside."""
    for tensor in encodings(number):
        for place in ("w", "x", "t", "upstream", "batch", "pin"):
            request = gradient_service_pb2.StepRequest(problem=problem_of(LOSS))
            problem = request.problem
            if place == "pin":
                request.pins.add(address="y").value.CopyFrom(tensor)
            elif place == "batch":
                problem.batches.add().inputs.add(name="x").tensor.CopyFrom(tensor)
            elif place == "upstream":
                problem.upstream.CopyFrom(tensor)
                del problem.upstream.shape[:]
            else:
                {"w": problem.network.parameters[0].value, "x": problem.inputs[0].tensor,
                 "t": problem.inputs[1].tensor}[place].CopyFrom(tensor)
            yield request


def cli(world: World, *arguments: object) -> int:
    """Its exit code; negative if a signal ended it."""
    return subprocess.run([world.program("gradus"), *map(str, arguments)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=60, check=False).returncode


@scenario("T9", "NaN, infinity, -0, denormals and the largest numbers in problems and submissions, in every encoding",
          "what is no number is refused or earns 0 in every item; what is one is computed with")
def special_values(world: World) -> Result:
    result = Result()
    cases, surprises = 0, []

    def expect(what: str, answer: str, wanted: str) -> None:
        nonlocal cases
        cases += 1
        if not answer.startswith(wanted):
            surprises.append(f"{what}: {answer}")

    homework = text_format.Parse((ROOT / "examples/homework/homework.txtpb").read_text(encoding="utf-8"),
                                 assignment_pb2.Assignment())
    with Server(world) as server, server.channel() as channel:
        gradient = gradient_service_pb2_grpc.GradientServiceStub(channel)
        grading = grading_service_pb2_grpc.GradingServiceStub(channel)
        for number in NO_NUMBERS + ODD_NUMBERS:
            wanted = "OK" if math.isfinite(number) else "INVALID_ARGUMENT at "
            for request in with_number(number):
                expect(f"{number} in {request}", answer_of(gradient.Step, request), wanted)
            in_json = json.dumps(number) if math.isfinite(number) else json.dumps(json.dumps(number))
            for name, text in ("problem.json", ADDITION_IN_JSON % in_json), ("problem.txtpb", ADDITION % f"{number}"):
                (world.folder / name).write_text(text, encoding="utf-8")
                code = cli(world, "forward", world.folder / name)
                expect(f"{number} in {name}", "OK" if code == 0 else f"exit code {code}",
                       "OK" if math.isfinite(number) else "exit code 2")
        texts = ["nan", "NaN", "-nan", "inf", "-inf", "Infinity", "1e999", "-1e999", "0x1p3", "", " ", "1/0", "0/0",
                 "--1", "1e", "\0"]
        formulas = ["0/0", "1/0", "-1/0", "log(-1)", "log(0)", "sqrt(-1)", "exp(1e9)", "exp(1e9) - exp(1e9)", "nan",
                    "inf"]
        answers = [grade_pb2.Answer(tensor=tensor) for number in NO_NUMBERS for tensor in encodings(number)]
        answers += [grade_pb2.Answer(text=grade_pb2.TextTensor(values=[text])) for text in texts]
        answers += [grade_pb2.Answer(formula=formula) for formula in formulas]
        for answer in answers:
            request = grading_service_pb2.GradeRequest(assignment=homework)
            for item in homework.items:
                request.submission.answers.add(item=item.id).MergeFrom(answer)
            for given in request.submission.answers:
                if given.HasField("tensor"):
                    del given.tensor.shape[:]
            report = grading.Grade(request, timeout=60).report
            expect(f"every item answered by {answer}", f"{report.earned_points} points", "0.0 points")
            if not answer.HasField("formula"):
                expect(f"every item answered by {answer}", f"gradable: {report.gradable}", "gradable: False")
    result.fact("cases", cases, ">= 200", cases >= 200)
    result.fact("surprises", surprises[:3] or "none", "none")
    return result


# T10


@scenario("T10", "100,000 messages inside each other, in binary to the server, in binary, JSON and text to the client",
          "an error, no crash")
def deep_messages(world: World) -> Result:
    result = Result()
    depth = 100_000
    # Groups of an unknown field; and messages of unknown fields, which nobody has reason to open.
    groups = (varint(1000 << 3 | 3) * depth) + varint(1000 << 3 | 4) * depth
    with Server(world) as server, server.channel() as channel:
        for method in ("Forward", "Check"):
            try:
                channel.unary_unary(f"/gradus.v1.GradientService/{method}")(groups, timeout=60)
                code = "OK"
            except grpc.RpcError as error:
                code = error.code().name
            result.fact(method, code, "refused", code not in ("OK", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED"))
        result.fact("healthy", server.is_healthy(), True)
    files = {
        "groups.binpb": groups,
        "messages.txtpb": b"network " + b"{ nodes " * depth,
        "unknown.txtpb": b"a { " * depth + b"}" * depth,
        "lists.txtpb": b"inputs " + b"[" * depth + b"]" * depth,
        "objects.json": b'{"network":' * depth + b"1" + b"}" * depth,
        "lists.json": b'{"inputs":' + b"[" * depth + b"]" * depth + b"}",
        "unfinished.json": b"[" * depth,
    }
    for name, content in files.items():
        file = world.folder / name
        file.write_bytes(content)
        homework = ROOT / "examples/homework/homework.txtpb"
        for command in (("forward", file), ("grade", file, file), ("grade", homework, file)):
            code = cli(world, *command)
            if code <= 0:
                result.fact(f"exit code of {command[0]} {name}", code, "> 0", False)
    result.fact("files", len(files), 7)
    return result
