"""What other tests of this project prove, run from here so that one table has all of it."""

from __future__ import annotations

import re
import subprocess

from scenario import ROOT, Result, Skipped, World, scenario


def ctest(world: World, pattern: str) -> Result:
    """The result of the tests whose names match."""
    done = subprocess.run(["ctest", "--test-dir", world.build, "--no-tests=error", "-R", pattern],
                          text=True, capture_output=True, check=False)
    found = re.search(r"(\d+) tests failed out of (\d+)", done.stdout)
    result = Result()
    if found is None:
        result.fact("tests", done.stdout[-200:] + done.stderr[-200:], "some", False)
    else:
        result.fact("tests", found[2], "some", int(found[2]) > 0)
        result.fact("failures", int(found[1]), 0)
    return result


def other_script(name: str) -> Result:
    """The result of a script of this project."""
    done = subprocess.run([ROOT / "scripts" / name], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n")
    elif (skipped := re.search(r"^Skipped: (.*)", done.stdout, re.MULTILINE)) is not None:
        raise Skipped(skipped[1])
    result = Result()
    result.fact(f"exit code of ./scripts/{name}", done.returncode, 0)
    return result


@scenario("T1", "replays the corpus of the fuzz targets; .ci/run fuzzes", "no crash, every promise kept", quick=False)
def fuzz_corpus(world: World) -> Result:
    return ctest(world, "ReplayTest")


@scenario("T2", "every role calls every method, by the tests of identity", "the expected code each time", quick=False)
def roles(world: World) -> Result:
    return ctest(world, "^IdentityTest")


@scenario("T4", "bad tokens, by the tests of tokens", "UNAUTHENTICATED each time, no token in the log", quick=False)
def tokens(world: World) -> Result:
    return ctest(world, "^(CapabilityToken|TokenFile)Test")


@scenario("T15", "TLS with good, bad and changed certificates, by its tests", "only good ones connect", quick=False)
def tls(world: World) -> Result:
    return ctest(world, "^TlsTest")


@scenario("T16", "the container image, by ./scripts/test-docker", "its tests pass", quick=False, limit_s=900)
def container(_: World) -> Result:
    return other_script("test-docker")


@scenario("T23", "every test under sanitizers", "no report", quick=False)
def sanitizers(_: World) -> Result:
    raise Skipped("./scripts/sanitize does it, in builds of its own")


@scenario("T24", "clients in other languages, by ./scripts/test-clients", "its tests pass", quick=False, limit_s=300)
def clients(_: World) -> Result:
    return other_script("test-clients")
