#!/usr/bin/env python3
"""Tries what can go wrong around a real server, and says what came out. ./scripts/resilience runs it.

Usage: run.py BUILD [--quick] [--update FILE] [ID...]

BUILD is the folder of CMake's build. --quick: a few seconds for each scenario, and only what is true on any machine is
judged. --update writes the table into FILE. Exit code 1 if a scenario failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from scenario import ROOT, SCENARIOS, Result, Scenario, Skipped, World

# For all scenarios together.
LIMIT_S = 30 * 60


@dataclasses.dataclass(frozen=True)
class Row:
    scenario: Scenario
    reached: str
    outcome: str  # "ok", "FAILED", "skipped"
    seconds: float = 0


def generate_stubs(folder: pathlib.Path) -> None:
    subprocess.run([ROOT / "examples/python/generate_stubs", folder], check=True)
    sys.path.insert(0, str(folder))


def show(result: Result, is_quick: bool) -> tuple[str, bool]:
    """What was reached, for the table, and whether that is all that was wanted."""
    parts, all_ok = [], True
    for judgement in result.facts + result.timings:
        counts = judgement in result.facts or not is_quick
        failed = counts and not judgement.ok
        all_ok = all_ok and not failed
        parts.append(f"{judgement.name}: {judgement.reached}" + (f" (not {judgement.wanted})" if failed else ""))
    return "; ".join(parts), all_ok and bool(parts)


def run(scenario: Scenario, build: pathlib.Path, is_quick: bool, limit_s: int) -> Row:
    begun = time.monotonic()

    def row(reached: str, outcome: str) -> Row:
        return Row(scenario, reached, outcome, time.monotonic() - begun)

    if is_quick and not scenario.is_quick:
        return row("not in the quick part", "skipped")
    if limit_s <= 0:
        return row("no time was left", "FAILED")
    # Raises TimeoutError in whatever the scenario waits for.
    signal.alarm(min(limit_s, scenario.limit_s))
    try:
        with tempfile.TemporaryDirectory(prefix="gradus-") as folder:
            reached, ok = show(scenario.run(World(build, is_quick, pathlib.Path(folder))), is_quick)
        return row(reached, "ok" if ok else "FAILED")
    except Skipped as why:
        return row(str(why), "skipped")
    except Exception as error:  # The other scenarios still have something to tell.
        traceback.print_exc()
        return row(f"{type(error).__name__}: {error}".splitlines()[0][:200], "FAILED")
    finally:
        signal.alarm(0)


def out_of_time(*_: object) -> None:
    raise TimeoutError("it took too long")


def ended(*_: object) -> None:
    # As an exception, so that every `with` block ends its servers.
    sys.exit(143)


def processor() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def text_table(rows: list[Row]) -> str:
    return "\n".join(f"{row.scenario.id:4} {row.outcome:7} {row.seconds:4.0f} s  {row.scenario.done}\n"
                     f"     wanted: {row.scenario.wanted}\n     reached: {row.reached}" for row in rows)


def cells(*texts: str) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def markdown_table(rows: list[Row], earlier: str) -> str:
    """Of all scenarios. Of those that have not run now, what an `earlier` text has; nothing if it has nothing."""
    lines = [cells("", "what is done", "wanted", "reached", ""), "|---|---|---|---|---|"]
    for scenario in SCENARIOS:
        begin = cells(scenario.id, scenario.done, scenario.wanted)
        now = [cells(scenario.id, scenario.done, scenario.wanted, row.reached, row.outcome)
               for row in rows if row.scenario is scenario]
        lines += now or [line for line in earlier.splitlines() if line.startswith(begin)]
    return "\n".join(lines)


def update(file: pathlib.Path, rows: list[Row]) -> None:
    today = datetime.datetime.now(datetime.timezone.utc).date()
    earlier = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(
        "# What Gradus withstands\n\n"
        "What goes wrong around a server in use, tried on real ones. Written by "
        f"`./scripts/resilience --update docs/resilience.md`, on {os.cpu_count()} cores ({processor()}) that servers "
        f"and clients share, {today}.\n\n{markdown_table(rows, earlier)}\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--update", type=pathlib.Path)
    arguments = parser.parse_intermixed_args()
    if arguments.update and arguments.quick:
        parser.error("--update writes figures of the full run")
    signal.signal(signal.SIGALRM, out_of_time)
    signal.signal(signal.SIGTERM, ended)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gradus-stubs-") as stubs:
        generate_stubs(pathlib.Path(stubs))
        # Every other file here has scenarios of one theme.
        for theme in pathlib.Path(__file__).parent.glob("*.py"):
            if theme.stem not in ("run", "scenario"):
                importlib.import_module(theme.stem)
        SCENARIOS.sort(key=lambda scenario: int(scenario.id[1:]))
        unknown = set(arguments.ids) - {scenario.id for scenario in SCENARIOS}
        if unknown:
            parser.error(f"no scenario is called {', '.join(sorted(unknown))}")
        rows = []
        for scenario in SCENARIOS:
            if arguments.ids and scenario.id not in arguments.ids:
                continue
            print(f"{scenario.id}: {scenario.done} ...", flush=True)
            left = int(LIMIT_S - (time.monotonic() - begun))
            rows.append(run(scenario, arguments.build.resolve(), arguments.quick, left))
            print(f"  {rows[-1].outcome} after {rows[-1].seconds:.0f} s: {rows[-1].reached}", flush=True)
    print(f"\n{text_table(rows)}")
    if arguments.update:
        update(arguments.update, rows)
    failed = [row.scenario.id for row in rows if row.outcome == "FAILED"]
    print(f"\nFAILED: {', '.join(failed)}" if failed else "\nNothing failed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
