#!/usr/bin/python3
"""Calls a real server from every language, and compares the answers byte by byte. ./scripts/test-clients runs it.

Usage: PYTHONPATH=STUBS compare.py --programs build/release/bin [--language NAME HOMEWORK REPLAY]...
           [--grpcurl FILE] [--ghz FILE] [--skipped WHAT]...

HOMEWORK and REPLAY are the commands that run the language's example and its replay. The first language is the one that
the others are compared with. Prints a line for each comparison that was made or skipped; the last line counts them.
"""

import argparse
import base64
import contextlib
import hmac
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import grpc
from google.protobuf import json_format
from gradus.v1 import grade_pb2, gradient_service_pb2, gradient_service_pb2_grpc, grading_service_pb2

import calls as lists

ROOT = lists.ROOT
CALLERS = ROOT / "docs" / "callers.md"

# Where the words of the message are the client library's own.
LOCAL_CODES = {"CANCELLED", "DEADLINE_EXCEEDED"}

# What a caller can cause. Bytes that are no message are INVALID_ARGUMENT as well, and no library here would send them.
CODES = {
    "OK", "CANCELLED", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
    "UNIMPLEMENTED", "UNAVAILABLE", "UNAUTHENTICATED",
}
ALREADY_EXISTS = 6


class Report:
    """One line per comparison."""

    def __init__(self):
        self.ran, self.failed, self.skipped = 0, 0, 0

    @contextlib.contextmanager
    def comparing(self, what):
        self.ran += 1
        start = time.monotonic()
        try:
            yield
        except (AssertionError, subprocess.SubprocessError, OSError) as error:
            self.failed += 1
            print(f"FAILED   {what}: {str(error)[:5000]}", flush=True)
        else:
            print(f"ok       {what} ({time.monotonic() - start:.1f} s)", flush=True)

    def skip(self, what):
        self.skipped += 1
        print(f"SKIPPED  {what}", flush=True)


class Server:
    """A gradus-server on a free port of this machine."""

    def __init__(self, program, directory, *flags):
        self.log = directory / "server.log"
        command = [program, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--drain-delay-ms", "0"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*command, *flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.address = f"127.0.0.1:{self._port('gradus-server .* listens on')}"
        self.metrics = f"127.0.0.1:{self._port('metrics are on')}"

    def _port(self, line):
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(line + r" \S+ \(port (\d+)\)", self.log.read_text()):
                return int(found[1])
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def metric(self, name):
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=10) as page:
            return float(re.search(rf"^{name} (\S+)$", page.read().decode(), re.MULTILINE)[1])

    def wait(self, name, value):
        end = time.monotonic() + 20
        while self.metric(name) != value:
            assert time.monotonic() < end, f"{name} is {self.metric(name):g} and not {value} after 20 s"
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "none within 20 s"
        if status != 0:
            sys.exit(f"compare.py: the server's exit code is {status}:\n{self.log.read_text()[-2000:]}")


def run(command, timeout=120, **environment):
    """Standard output and error, together, and the exit code. Past no proxy: the servers are on this machine."""
    past_proxies = {"no_grpc_proxy": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=timeout, check=False, env={**os.environ, **past_proxies, **environment})
    return done.stdout, done.returncode


def must_run(command, **environment):
    output, status = run(command, **environment)
    assert status == 0, f"exit code {status}\n{output}"
    return output


def signed_token(key, **claims):
    """A JWT, which a learning platform would make."""
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    claims = {"aud": "gradus", "sub": "ada", "exp": int(time.time()) + 3600, **claims}
    text = encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + encode(json.dumps(claims).encode())
    return (text + b"." + encode(hmac.digest(key.encode(), text, "sha256"))).decode()


def serialised(messages):
    return [message.SerializeToString(deterministic=True) for message in messages]


def response_type(method):
    service, _, name = method.partition("/")
    module = gradient_service_pb2 if service == "gradus.v1.GradientService" else grading_service_pb2
    descriptor = module.DESCRIPTOR.services_by_name[service.rpartition(".")[2]].methods_by_name[name].output_type
    return getattr(module, descriptor.name)


class Replayed:
    """What came of a list of calls in one language: the results by name, and the bytes of the responses."""

    def __init__(self, command, calls, directory, server, tls_ca=None, token=None):
        directory.mkdir()
        must_run([*command, str(calls.write(token)), str(directory), server] + ([str(tls_ca)] if tls_ca else []))
        self.results = {result["name"]: result for result in json.loads((directory / "results.json").read_text())}
        self.directory = directory
        self.calls = calls

    def responses(self, name):
        """The messages' bytes; those of a stream in any order as the bytes of each result, sorted.

        In the order of the field numbers, which Go does not keep: it writes what is in a oneof last.
        """
        method = next(call["method"] for call in self.calls.calls if call["name"] == name)
        messages = []
        for number in range(self.results[name]["responses"]):
            message = response_type(method).FromString((self.directory / f"{name}.{number}").read_bytes())
            messages += message.results if self.calls.expected[name][2] else [message]
        return sorted(serialised(messages)) if self.calls.expected[name][2] else serialised(messages)


def check_expected(replayed):
    for name, (code, reason, _) in replayed.calls.expected.items():
        result = replayed.results[name]
        assert result["code"] == code, f"{name}: {result['code']} and not {code}: {result['message']}"
        reasons = [detail["reason"] for detail in result["details"] if "reason" in detail]
        assert reasons == ([reason] if reason else []), f"{name}: the reason is {reasons} and not {reason}"
        if code == "INVALID_ARGUMENT" and reason:
            violations = [detail["violations"] for detail in result["details"] if "violations" in detail]
            assert violations and all(description for _, description in violations[0]), f"{name}: no violation"
        if code == "OK":
            assert result["responses"] > 0, f"{name}: no response"


def check_same(replayed, other):
    for name, (code, _, _) in replayed.calls.expected.items():
        mine, theirs = replayed.results[name], other.results[name]
        for part in ("code", "details", "message"):
            # The words are the client library's own where it gave up, or found nobody.
            if part == "message" and (code in LOCAL_CODES or code == "UNAVAILABLE" and not mine["details"]):
                continue
            if part == "details" and code in LOCAL_CODES:
                continue
            assert mine[part] == theirs[part], f"{name}: the {part} is {theirs[part]!r} and not {mine[part]!r}"
        if code in LOCAL_CODES:
            continue
        assert replayed.responses(name) == other.responses(name), f"{name}: the bytes of the responses differ"


def check_complete(results, calls):
    """Nothing of the contract may be left out of the lists."""
    methods = {f"{service.full_name}/{method.name}"
               for module in (gradient_service_pb2, grading_service_pb2)
               for service in module.DESCRIPTOR.services_by_name.values() for method in service.methods}
    missing = methods - {call["method"] for call in calls}
    assert not missing, f"no call of {missing}"
    missing = CODES ^ {result["code"] for result in results}
    assert not missing, f"codes {missing}"


def check_stream(replayed):
    """One answer for each submission, and each of the errors that only an item can have."""
    results = [grading_service_pb2.SubmissionResult.FromString(data) for data in replayed.responses("bulk")]
    assert len({result.submission_id for result in results}) == len(results) == lists.BULK_SUBMISSIONS, len(results)
    assert all(result.HasField("report") for result in results)
    results = [grading_service_pb2.SubmissionResult.FromString(data) for data in replayed.responses("stream")]
    codes = sorted(result.error.code for result in results if result.HasField("error"))
    assert codes == [3, ALREADY_EXISTS], codes


def cli_comparisons(replayed):
    """The command line's arguments, and what its JSON must be, as messages."""
    def answer(name, kind):
        return kind.FromString(replayed.responses(name)[0])

    for file in lists.problem_files():
        for command, kind in (("forward", gradient_service_pb2.ForwardResponse),
                              ("backward", gradient_service_pb2.BackwardResponse),
                              ("step", gradient_service_pb2.StepResponse)):
            if f"{command}_{file.stem}" in replayed.results:
                yield [command, str(file)], kind, [answer(f"{command}_{file.stem}", kind)]
    check = gradient_service_pb2.CheckResponse
    yield (["check", str(lists.HOMEWORK / "problem_1.txtpb"), "--method", "all", "--seed", "7"], check,
           [answer("check_every_method", check)])
    yield ["check", str(lists.NETWORKS / "relu_kinks.txtpb")], check, [answer("check_kinks", check)]
    ops = gradient_service_pb2.ListOpsResponse
    yield ["ops"], ops, [answer("ops", ops)]
    yield ["ops", "softplus"], ops, [answer("op", ops)]
    homework = str(lists.HOMEWORK / "homework.txtpb")
    lint = grading_service_pb2.LintAssignmentResponse
    yield ["lint", homework], lint, [answer("lint", lint)]
    files = lists.submission_files()
    reports = [answer(f"grade_{file.stem}", grading_service_pb2.GradeResponse).report for file in files]
    for file, report in zip(files, reports):
        yield ["grade", homework, str(file)], grade_pb2.GradeReport, [report]
    # Several go through GradeStream.
    yield ["grade", homework, *map(str, files)], grade_pb2.GradeReport, reports


def check_cli(gradus, replayed, flags, token):
    environment = {"GRADUS_TOKEN": token} if token else {}
    for arguments, kind, expected in cli_comparisons(replayed):
        output, status = run([gradus, *arguments, "--format", "json", *flags], **environment)
        assert status in (0, 5), f"{arguments}: exit code {status}\n{output}"
        # Python would take -0 for the whole number.
        printed = json.loads(output, parse_int=lambda text: -0.0 if text == "-0" else int(text))
        printed = printed if isinstance(printed, list) else [printed]
        parsed = [json_format.ParseDict(message, kind()) for message in printed]
        assert serialised(parsed) == serialised(expected), f"{arguments}: differs"
    for name, (code, _, _) in replayed.calls.expected.items():
        call = next(call for call in replayed.calls.calls if call["name"] == name)
        if code != "INVALID_ARGUMENT" or not call["method"].endswith("/Forward"):
            continue
        file = replayed.directory / f"{name}.binpb"
        request = gradient_service_pb2.ForwardRequest.FromString(pathlib.Path(call["requests"][0]).read_bytes())
        file.write_bytes(request.problem.SerializeToString())
        output, status = run([gradus, "forward", str(file), *flags], **environment)
        assert status != 0 and replayed.results[name]["message"] in output, f"{name}: exit code {status}\n{output}"
    late = replayed.directory / "late.binpb"
    late.write_bytes(lists.long_work(100).problem.SerializeToString())
    output, status = run([gradus, "check", str(late), "--timeout", "1", *flags], **environment)
    assert status != 0 and "no answer within 1 seconds" in output, f"exit code {status}\n{output}"


def documented(program):
    """The commands of docs/callers.md, which end with the server and what is called, and what they print."""
    for block in re.findall(r"```console\n(.*?)\n```", CALLERS.read_text(encoding="utf-8"), re.DOTALL):
        yield from re.findall(
            rf"^\$ ({program} .*?127\.0\.0\.1:50051.*?)\n(.*?)(?=^\$ |\Z)", block, re.DOTALL | re.MULTILINE)


def run_documented(command, program, server):
    name, _, arguments = command.partition(" ")
    assert name == pathlib.Path(program).name, command
    output, _ = run(["bash", "-c", f"{shlex.quote(program)} {arguments.replace('127.0.0.1:50051', server)}"])
    return output.strip()


def check_grpcurl(program, server):
    commands = list(documented("grpcurl"))
    assert len(commands) >= 5, f"docs/callers.md has only {commands}"
    for command, expected in commands:
        output = run_documented(command, program, server)
        assert output == expected.strip(), f"{command}\nprints\n{output}"


def check_grpcurl_tls(program, server, tls_ca, token):
    """The same over TLS, with the token out of the command line."""
    command = re.search(r"^grpcurl (-cacert .*)$", CALLERS.read_text(encoding="utf-8"), re.MULTILINE)[1]
    command = command.replace("school.example:443", server).replace("roots.pem", shlex.quote(str(tls_ca)))
    # Reflection needs no token, so it alone would not prove that one is sent.
    command = re.sub(r" list$", " gradus.v1.GradingService/ListAssignments", command)
    output = must_run(["bash", "-c", f"{shlex.quote(program)} {command}"], GRADUS_TOKEN=token)
    assert json.loads(output) == {"names": ["homework"]}, output


def check_ghz(program, server):
    """Every call is answered; how fast is not for a test."""
    ((command, _),) = documented("ghz")
    output = run_documented(command, program, server)
    count = re.search(r"-n (\d+)", command)[1]
    assert re.search(rf"\[OK\] +{count} responses *\Z", output), output


def make_certificate(directory):
    """A certificate for this machine, and the file that clients trust it by."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    must_run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
              "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
              "-keyout", str(key), "-out", str(certificate)])
    return certificate, key


class Comparison:
    def __init__(self, arguments, scratch):
        self.report = Report()
        self.languages = [(name, shlex.split(homework), shlex.split(replay))
                          for name, homework, replay in arguments.language]
        self.gradus = str(pathlib.Path(arguments.programs).resolve() / "gradus")
        self.server = str(pathlib.Path(arguments.programs).resolve() / "gradus-server")
        self.grpcurl, self.ghz = arguments.grpcurl, arguments.ghz
        self.scratch = scratch
        self.results, self.calls = [], []
        self.folder("assignments")
        (scratch / "assignments" / "homework.txtpb").write_bytes((lists.HOMEWORK / "homework.txtpb").read_bytes())
        # Enough operations for work that a deadline of the command line, in seconds, does not wait for.
        self.flags = ("--assignments", str(scratch / "assignments"), "--max-flops", "1e11")

    def folder(self, name):
        directory = self.scratch / name
        directory.mkdir()
        return directory

    def start(self, name, *flags):
        return Server(self.server, self.folder(f"server {name}"), *flags)

    def replay(self, title, calls, server, reference=None, **security):
        """The calls in every language, compared with the reference, or else with the first language."""
        count = f"{len(calls.calls)} calls" if len(calls.calls) > 1 else "a call"
        for name, _, command in self.languages:
            with self.report.comparing(f"{name}: {count}, {title}"):
                replayed = Replayed(command, calls, self.scratch / f"{title} {name}", server, **security)
                check_expected(replayed)
                if reference is None:
                    reference = replayed
                    self.results += replayed.results.values()
                    self.calls += calls.calls
                else:
                    check_same(reference, replayed)
        if reference is None:
            sys.exit("compare.py: not one language made its calls, so there is nothing to compare")
        return reference

    def homework(self, title, flags, **environment):
        """The examples print the same, letter by letter."""
        expected = None
        for name, command, _ in self.languages:
            with self.report.comparing(f"{name}: the homework, {title}"):
                output = must_run([*command, *flags], **environment)
                expected = expected or output
                assert output == expected, f"prints\n{output}and not\n{expected}"

    def plain(self):
        calls = lists.common_calls(self.folder("common"))
        with self.start("plain", *self.flags) as server:
            self.homework("in plain text", ["--server", server.address])
            reference = self.replay("in plain text", calls, server.address)
            with self.report.comparing("the bulk stream: one answer for each submission"):
                check_stream(reference)
            with self.report.comparing("C++: the command line, in plain text"):
                check_cli(self.gradus, reference, ["--server", server.address], "")
            if self.grpcurl:
                with self.report.comparing("grpcurl: as docs/callers.md says"):
                    check_grpcurl(self.grpcurl, server.address)
            if self.ghz:
                with self.report.comparing("ghz: as docs/callers.md says"):
                    check_ghz(self.ghz, server.address)
            with self.report.comparing("the server: computes nothing any more for those who gave up"):
                for metric in ("gradus_calls_in_flight", "gradus_busy_workers"):
                    server.wait(metric, 0)
                # Not how many: a deadline may pass before a busy machine's server has seen the call.
                assert server.metric("gradus_cancelled_total") > 0, "no call was given up"
        return calls, reference

    def with_tokens(self, calls, reference):
        certificate, key = make_certificate(self.scratch)
        secret = "a secret that only this test knows"
        (self.scratch / "token key").write_text(secret)
        staff = signed_token(secret, role="staff")
        student = signed_token(secret, role="student", assignment="homework")
        expired = signed_token(secret, role="staff", exp=1)
        refused = lists.identity_calls(self.folder("identity"), student, expired)
        flags = map(str, ("--tls-cert", certificate, "--tls-key", key, "--token-key", self.scratch / "token key"))
        with self.start("tls", *self.flags, *flags) as server:
            # By the name, since Node.js wants no address in a certificate.
            address = server.address.replace("127.0.0.1", "localhost")
            trust = ["--server", address, "--tls-ca", str(certificate)]
            self.homework("over TLS with a token", trust, GRADUS_TOKEN=staff)
            self.replay("over TLS with a token, the bytes as in plain text", calls, address, reference,
                        tls_ca=certificate, token=staff)
            self.replay("refused for who calls", refused, address, tls_ca=certificate)
            with self.report.comparing("C++: the command line, over TLS with a token"):
                check_cli(self.gradus, reference, trust, staff)
            if self.grpcurl:
                with self.report.comparing("grpcurl: over TLS with a token"):
                    check_grpcurl_tls(self.grpcurl, address, certificate, staff)

    def unavailable(self):
        overloaded = lists.refused_call(self.folder("overloaded"), "UNAVAILABLE", "OVERLOADED")
        with self.start("overloaded", "--workers", "1", "--queue", "1", "--max-flops", "1e13") as server:
            with grpc.insecure_channel(server.address) as channel:
                stub = gradient_service_pb2_grpc.GradientServiceStub(channel)
                # One for the worker, then one for the queue.
                work = []
                for metric in ("gradus_busy_workers", "gradus_queue_depth"):
                    work.append(stub.Check.future(lists.long_work(150), timeout=120))
                    server.wait(metric, 1)
                self.replay("refused because the server is busy", overloaded, server.address)
                for call in work:
                    call.cancel()
        # Nobody listens there now.
        self.replay("no server", lists.refused_call(self.folder("gone"), "UNAVAILABLE"), server.address)

    def run(self):
        calls, reference = self.plain()
        self.with_tokens(calls, reference)
        self.unavailable()
        with self.report.comparing(f"every RPC, and {len(CODES)} codes"):
            check_complete(self.results, self.calls)


def main():
    parser = argparse.ArgumentParser(description="Calls a server from every language and compares the answers.")
    parser.add_argument("--programs", required=True, metavar="DIRECTORY")
    parser.add_argument("--language", nargs=3, action="append", required=True, metavar=("NAME", "HOMEWORK", "REPLAY"))
    parser.add_argument("--grpcurl", metavar="FILE")
    parser.add_argument("--ghz", metavar="FILE")
    parser.add_argument("--skipped", action="append", default=[], metavar="WHAT", help="to be said and counted")
    arguments = parser.parse_args()
    # As an exception, so that the servers end with this program.
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory() as scratch:
        comparison = Comparison(arguments, pathlib.Path(scratch))
        comparison.run()
    report = comparison.report
    for what in arguments.skipped:
        report.skip(what)
    print(f"{report.ran - report.failed} passed, {report.failed} failed, {report.skipped} skipped")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
