#!/usr/bin/env python3
"""README.md says what commands print. This runs them and compares, letter by letter; docs/ops.md likewise, which is
one command's output.

Usage: readme_test.py GRADUS [--update]

A ```console block holds commands (`$ build/release/bin/gradus ...`), each followed by its output. With
--update the outputs are written into the files instead.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
OPS = ROOT / "docs" / "ops.md"
PROGRAM = "build/release/bin/gradus"


def run(command, gradus):
    """The command's output, by the given program in place of the one that README.md names."""
    assert command.startswith(PROGRAM + " "), command
    result = subprocess.run(
        ["bash", "-c", '"$GRADUS" ' + command[len(PROGRAM) :]],
        cwd=ROOT, env={"GRADUS": gradus, "PATH": "/usr/bin:/bin"}, text=True, timeout=60,
        capture_output=True, check=False)
    # A check that finds a difference ends with 5.
    assert result.returncode in (0, 5), f"{command}: exit code {result.returncode}\n{result.stderr}"
    return result.stdout.strip("\n")


def main():
    gradus = sys.argv[1]
    commands = 0

    def expected_block(match):
        nonlocal commands
        outputs = []
        for command in re.findall(r"^\$ (.*)$", match[1], re.MULTILINE):
            commands += 1
            outputs.append(f"$ {command}\n{run(command, gradus)}")
        return "```console\n" + "\n\n".join(outputs) + "\n```"

    text = README.read_text(encoding="utf-8")
    expected = re.sub(r"```console\n(.*?)\n```", expected_block, text, flags=re.DOTALL)
    assert commands > 0, "README.md has no ```console block"
    ops = run(f"{PROGRAM} ops --format markdown", gradus) + "\n"
    if "--update" in sys.argv:
        README.write_text(expected, encoding="utf-8")
        OPS.write_text(ops, encoding="utf-8")
        return
    assert ops == OPS.read_text(encoding="utf-8"), (
        "docs/ops.md is stale: tests/end_to_end/readme_test.py build/release/bin/gradus --update")
    if text != expected:
        for number, (is_, must_be) in enumerate(
            zip(text.splitlines(), expected.splitlines()), start=1):
            assert is_ == must_be, f"README.md:{number}: says\n  {is_}\nbut the program prints\n  {must_be}"
        raise AssertionError("README.md and what the programs print differ in length")
    print(f"{commands} commands of README.md print what it says, and docs/ops.md is up to date")


if __name__ == "__main__":
    main()
