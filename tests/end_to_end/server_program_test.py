"""The server as a program: flags, environment and file; exit codes; health, drain and signals.

Usage: server_program_test.py GRADUS_SERVER
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

SERVER = sys.argv[1]
PATIENCE = 60  # seconds, for a busy machine


class Program:
    """A running server on a free port of the loopback address."""

    def __init__(self, *flags, environment=None):
        self.lines = []
        self.process = subprocess.Popen(
            [SERVER, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *flags],
            stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        assert self.listening.wait(PATIENCE), self.lines
        text = "".join(self.lines)
        assert "listens on" in text, text
        self.port = int(re.search(r"\(port (\d+)\)", text).group(1))

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            if "listens on" in line:
                self.listening.set()
        self.listening.set()  # It has ended.

    def health(self):
        return exit_code("--health-check", "--listen", f"127.0.0.1:{self.port}")

    def wait_for(self, text):
        """Waits until a line of the log has the text."""
        for _ in range(PATIENCE * 50):
            if any(text in line for line in self.lines):
                return
            threading.Event().wait(0.02)
        raise AssertionError(f"{text!r} is not in {self.lines}")

    def end(self, *signals):
        for number in signals:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code


def exit_code(*flags, environment=None):
    return subprocess.run(
        [SERVER, *flags], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE,
        env={**os.environ, **(environment or {})}, check=False).returncode


def test_flags_come_before_the_file_and_that_before_the_environment():
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write("max-names=1\nmax-operands=2\n")
        file.flush()
        program = Program("--config", file.name, "--max-names", "33", "--drain-delay-ms", "0",
                          environment={"GRADUS_MAX_NAMES": "4", "GRADUS_MAX_OPERANDS": "5",
                                       "GRADUS_MAX_IDLE_S": "6"})
    assert program.end(signal.SIGTERM) == 0
    configuration = next(line for line in program.lines if "configuration:" in line)
    for setting in ("max-names=33", "max-operands=2", "max-idle-s=6"):
        assert re.search(rf"[ ]{setting}\b", configuration), configuration


def test_what_cannot_be_read_is_refused():
    assert exit_code("--max-flops", "many") == 2
    assert exit_code("--no-such-flag") == 2
    assert exit_code("--listen", "nowhere") == 2
    assert exit_code(environment={"GRADUS_MAX_FLOPS": "many"}) == 2
    assert exit_code("--config", "/no/such/file") == 2
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write("no-such-flag=1\n")
        file.flush()
        assert exit_code("--config", file.name) == 2


def test_few_files_are_refused_unless_allowed():
    few = ("/usr/bin/prlimit", "--nofile=4095", SERVER, "--listen", "127.0.0.1:0", "--metrics-listen", "")
    refused = subprocess.run(few, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
    assert refused.returncode == 2 and "--allow-few-files" in refused.stderr, refused
    with subprocess.Popen([*few, "--allow-few-files", "--drain-delay-ms", "0"],
                          stderr=subprocess.PIPE, text=True) as process:
        assert any("listens on" in line for line in process.stderr)
        process.terminate()
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


def test_a_port_in_use_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert exit_code("--listen", address, "--metrics-listen", "") == 3
        assert exit_code("--listen", "127.0.0.1:0", "--metrics-listen", address) == 3


def test_it_says_not_serving_while_it_drains_and_then_ends():
    program = Program("--drain-delay-ms", "60000")
    assert program.health() == 0
    program.process.send_signal(signal.SIGTERM)
    program.wait_for("draining")
    for _ in range(PATIENCE * 50):
        if program.health() == 1:
            break
    assert program.health() == 1
    # A second signal ends it at once.
    assert program.end(signal.SIGTERM) == -signal.SIGTERM
    program = Program("--drain-delay-ms", "0")
    assert program.end(signal.SIGINT) == 0
    assert any("stopped" in line for line in program.lines)


def test_nobody_there_is_not_healthy():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # Somebody who takes the connection and says nothing.
        assert exit_code("--health-check", "--listen", f"127.0.0.1:{taken.getsockname()[1]}") == 1


def test_the_manual_has_every_flag():
    usage = subprocess.run([SERVER, "--help"], capture_output=True, text=True, check=True).stdout
    flags = set(re.findall(r"^ +(?:-\w,)?(--[a-z0-9-]+)", usage, re.MULTILINE))
    assert len(flags) > 20, usage
    manual = (pathlib.Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
    assert not (missing := {flag for flag in flags if f"`{flag}`" not in manual}), missing


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print("ok", name)


main()
