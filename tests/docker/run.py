#!/usr/bin/env python3
"""Builds the images of docker/ and uses them as their README says. ./scripts/test-docker runs it.

Usage: run.py BUILD [--keep-images]

BUILD is the folder of CMake's build, for the load tool and for the answers that are right. Containers are on the host's
network, at addresses of their own in 127.0.0.0/8, and removed at the end, as the images are unless --keep-images says
otherwise. Exit code 1 if a check failed.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable

import grpc
import yaml

from calling import FORWARD, SERVICE_CONFIG_FILE, Load
from messages import heavy_forward
from scenario import PATIENCE, ROOT, World, free_port, wait_until

STAGES = ["build", "runtime", "sbom", "client", "server"]
NOBODY = "65532:65532"
MEGABYTE = 1_000_000
LARGEST_MB = 60
LABELS = ["title", "description", "licenses", "version", "revision", "created"]
CONTAINED = [
    "--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "256",
    "--memory", "512m"]
HOMEWORK = ["grade", "examples/homework/homework.txtpb"] + [
    f"examples/homework/submissions/{name}.txtpb" for name in ("paper", "exact", "planted_error")]

failures: list[str] = []
passed = 0


def judge(name: str, reached: object, wanted: object, ok: bool | None = None) -> None:
    """`ok` may be left out where only what is wanted will do."""
    global passed
    if reached == wanted if ok is None else ok:
        passed += 1
        print(f"  ok      {name}: {reached}", flush=True)
    else:
        failures.append(name)
        print(f"  FAILED  {name}: {reached}, not {wanted}", flush=True)


def run(*command: object, seconds: float = 120) -> subprocess.CompletedProcess:
    return subprocess.run([str(part) for part in command], cwd=ROOT, text=True, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=seconds)


def must_run(*command: object, seconds: float = 120) -> str:
    """What it prints; an error if it fails."""
    done = run(*command, seconds=seconds)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr[-2000:]}")
    return done.stdout.strip()


def docker(*arguments: object, seconds: float = 120) -> str:
    return must_run("docker", *arguments, seconds=seconds)


class Bench:
    """Images, and containers, whose names and addresses nobody else has."""

    def __init__(self, build: pathlib.Path, folder: pathlib.Path) -> None:
        self.world = World(build, False, folder)
        self.name = f"gradus-test-{random.randrange(10**6):06}"
        self.subnet = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        self.containers: list[str] = []
        self.images: list[str] = []

    def address(self, number: int) -> str:
        return f"{self.subnet}.{number}:50051"

    def image(self, stage: str) -> str:
        return f"gradus-test:{stage}"

    def build(self, stage: str, file: str, *arguments: str) -> None:
        print(f"  building {stage} ...", flush=True)
        self.images.append(self.image(stage))
        before = docker("images", "--quiet", self.image(stage))
        docker("build", "--network", "host", "--file", file, "--tag", self.image(stage), *arguments, ".", seconds=3600)
        # One that an earlier run kept is in use no more.
        if before and before != docker("images", "--quiet", self.image(stage)):
            run("docker", "rmi", before)

    def start(self, name: str, stage: str, *options: str, arguments: tuple[str, ...] = ()) -> str:
        container = f"{self.name}-{name}"
        self.containers.append(container)
        docker("run", "--detach", "--name", container, *CONTAINED, *options, self.image(stage), *arguments)
        return container

    def start_server(self, name: str, number: int, *options: str) -> str:
        return self.start(
            name, "server", "--env", f"GRADUS_LISTEN={self.address(number)}", "--env",
            f"GRADUS_METRICS_LISTEN={self.subnet}.{number}:9464", "--env", "GRADUS_LOG_LEVEL=warning", "--health-interval",
            "1s", "--health-retries", "2", *options)

    def remove_containers(self) -> None:
        for container in self.containers:
            run("docker", "rm", "--force", container)
        self.containers.clear()

    def remove_images(self) -> None:
        for image in reversed(self.images):
            run("docker", "rmi", image)


class Secrets:
    """What docker/README.md has made: a certificate for `name`, and the token of staff."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.tls = folder / "tls"
        self.tls.mkdir(parents=True)
        self.certificate = self.tls / "edge.pem"
        must_run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-subj", "/CN=gradus", "-addext", f"subjectAltName={name}", "-keyout", self.tls / "edge.key", "-out",
                 self.certificate)
        self.tokens = folder / "tokens"
        self.tokens.touch()
        # The user in the containers reads them.
        for file in (self.tls / "edge.key", self.tokens):
            file.chmod(0o644)
        self.token_file = folder / "token"
        self.token = secrets.token_urlsafe()
        self.token_file.write_text(self.token, encoding="ascii")
        self.allow(self.token)

    def allow(self, token: str) -> None:
        with self.tokens.open("a", encoding="ascii") as tokens:
            tokens.write(f"staff test {hashlib.sha256(token.encode()).hexdigest()}\n")


def inspect(thing: str) -> dict:
    return json.loads(docker("inspect", thing))[0]


def health(container: str) -> str:
    return inspect(container)["State"]["Health"]["Status"]


def wait_for_health(container: str, wanted: str) -> float | None:
    """The seconds that it took."""
    begun = time.monotonic()
    return time.monotonic() - begun if wait_until(lambda: health(container) == wanted, 60, 0.2) else None


def graded(bench: Bench) -> str:
    """What the homework gets without any server."""
    done = run(bench.world.program("gradus"), *HOMEWORK)
    if not done.stdout:
        raise RuntimeError(f"gradus ended with {done.returncode}: {done.stderr}")
    return done.stdout


def grade_through(bench: Bench, edge: str, secret: Secrets, token_file: pathlib.Path) -> subprocess.CompletedProcess:
    return run(bench.world.program("gradus"), *HOMEWORK, "--server", edge, "--tls-ca", secret.certificate, "--token-file",
               token_file)


def images_are_small(bench: Bench) -> None:
    revision = run("git", "rev-parse", "HEAD").stdout.strip() or "unknown"
    created = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for stage in STAGES:
        of_release = ["--build-arg", f"REVISION={revision}", "--build-arg", f"CREATED={created}"]
        bench.build(stage, "docker/Dockerfile", "--target", stage,
                    *(of_release if stage in ("client", "server") else []))
    bench.build("edge", "docker/edge.Dockerfile")
    base = inspect("debian:bookworm-slim")["Size"] / MEGABYTE
    for stage in ("server", "client", "edge"):
        size = inspect(bench.image(stage))["Size"] / MEGABYTE
        judge(f"size of {stage}", f"{size:.1f} MB, {size - base:.1f} MB over its base", f"<= {LARGEST_MB} MB over it",
              size - base <= LARGEST_MB)


def images_keep_the_policy(bench: Bench) -> None:
    for stage in ("server", "client", "edge"):
        config = inspect(bench.image(stage))["Config"]
        judge(f"user of {stage}", config["User"], NOBODY)
        judge(f"{stage} starts without a shell", config["Entrypoint"][0].startswith("/usr/"), True)
        if stage == "edge":
            continue
        labels = config["Labels"]
        judge(f"labels of {stage} that are empty",
              [label for label in LABELS if not labels.get(f"org.opencontainers.image.{label}")], [])
        said = docker("run", "--rm", "--network", "none", bench.image(stage), "--version").splitlines()[0].split()[-1]
        judge(f"version of {stage}", said, labels["org.opencontainers.image.version"])
    config = inspect(bench.image("server"))["Config"]
    judge("health check of the server", config["Healthcheck"]["Test"], ["CMD", "/usr/bin/gradus-server", "--health-check"])
    judge("signal that stops the server", config["StopSignal"], "SIGTERM")
    judge("ports of the server", sorted(config["ExposedPorts"]), ["50051/tcp", "9464/tcp"])


def compose_tools() -> list[list[str]]:
    return [tool for tool in (["docker", "compose"], ["docker-compose"])
            if shutil.which(tool[0]) and run(*tool, "version").returncode == 0]


def shipped_compose() -> dict:
    return yaml.safe_load((ROOT / "docker/compose.yaml").read_text(encoding="utf-8"))


def compose_keeps_the_policy(_: Bench) -> None:
    compose = shipped_compose()
    for name, service in compose["services"].items():
        wrong = []
        for key, wanted in (("read_only", True), ("cap_drop", ["ALL"]), ("security_opt", ["no-new-privileges:true"])):
            if service.get(key) != wanted:
                wrong.append(key)
        wrong += [key for key in ("mem_limit", "pids_limit", "restart") if not service.get(key)]
        wrong += [key for key in ("privileged", "cap_add", "devices", "network_mode", "pid", "ipc") if key in service]
        wrong += [volume for volume in service.get("volumes", []) if "docker.sock" in volume]
        # Ours are built from Dockerfiles whose user is judged above.
        if "build" not in service and service.get("user", "0").split(":")[0] == "0":
            wrong.append("user")
        judge(f"what {name} of compose.yaml is not kept from", wrong, [])
    judge("services with ports", [name for name, service in compose["services"].items() if "ports" in service], ["edge"])
    judge("the inner network has no way out", compose["networks"]["inside"]["internal"], True)
    tools = compose_tools()
    if not tools:
        print("  skipped what docker compose says of compose.yaml: it is not installed", flush=True)
    for tool in tools:
        judge(f"{' '.join(tool)} has to say", run(*tool, "--file", "docker/compose.yaml", "config", "--quiet").stderr, "")
    scraped = yaml.safe_load((ROOT / "docker/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"][0]
    servers = [name for name in compose["services"] if name.startswith("gradus-")]
    judge("servers that Prometheus asks", scraped["static_configs"][0]["targets"], [f"{name}:9464" for name in servers])


def sbom_is_complete(bench: Bench) -> None:
    for stage in ("server", "client"):
        def within(*command: str, stage: str = stage) -> str:
            return docker("run", "--rm", "--network", "none", "--entrypoint", command[0], bench.image(stage), *command[1:])

        sbom = json.loads(within("/bin/cat", "/usr/share/gradus/sbom.spdx.json"))
        listed = {(package["name"], package["versionInfo"]) for package in sbom["packages"]}
        installed = {tuple(line.split()) for line in within("/usr/bin/dpkg-query", "-W").replace(":amd64", "").splitlines()}
        judge(f"packages of {stage} that its SBOM lacks", sorted(installed - listed), [])
        ids = [package["SPDXID"] for package in sbom["packages"]]
        judge(f"packages in the SBOM of {stage}", len(ids), "different ones, with Gradus and what was compiled in",
              len(ids) == len(set(ids)) and "SPDXRef-gradus" in ids and any(name == "libeigen3-dev" for name, _ in listed))
        known = {*ids, "SPDXRef-DOCUMENT"}
        judge("relations to what is not listed",
              [relation for relation in sbom["relationships"]
               if relation["spdxElementId"] not in known or relation["relatedSpdxElement"] not in known], [])
        judge(f"packages of {stage} that only builds need", sorted(name for name, _ in installed if name.endswith("-dev")), [])


def server_is_not_open_by_accident(bench: Bench) -> None:
    done = run("docker", "run", "--rm", "--network", "none", bench.image("server"))
    judge("exit code without TLS and tokens", done.returncode, 2)
    judge("it says how to go on", "--insecure-public" in done.stderr, True)


def homework_is_graded(bench: Bench) -> None:
    begun = time.monotonic()
    container = bench.start_server("one", 1)
    answered = wait_until(lambda: run(
        bench.world.program("gradus"), *HOMEWORK, "--server", bench.address(1)).stdout == graded(bench), 60, 0.01)
    seconds = time.monotonic() - begun
    judge("from docker run to the first graded answer", f"{seconds:.2f} s", "an answer in 60 s", answered)
    for where, server in (("by the server's container", ["--server", bench.address(1)]), ("in the client's container", [])):
        text = docker("run", "--rm", *CONTAINED, bench.image("client"), *HOMEWORK, *server)
        judge(f"homework graded {where} as by the program itself", text.strip() == graded(bench).strip(), True)

    judge("healthy", wait_for_health(container, "healthy") is not None, True)
    status = pathlib.Path(f"/proc/{inspect(container)['State']['Pid']}/status").read_text(encoding="ascii")

    def of_process(name: str) -> str:
        return re.search(rf"^{name}:\s+(.*)$", status, re.MULTILINE)[1].split("\t")[0]

    judge("user of the process", of_process("Uid"), "65532")
    judge("capabilities of the process", int(of_process("CapEff"), 16) | int(of_process("CapBnd"), 16), 0)
    judge("it can gain no privilege", of_process("NoNewPrivs"), "1")
    judge("it has a seccomp filter", of_process("Seccomp"), "2")
    for place in ("/", "/usr/bin", "/tmp"):
        done = run("docker", "exec", container, "/bin/touch", f"{place}/written")
        judge(f"writing to {place} fails", done.returncode != 0, True)
    judge("changed files", docker("diff", container), "")
    bench.remove_containers()


def stopping_loses_no_call(bench: Bench) -> None:
    count = 20_000
    first, _ = bench.start_server("first", 1), bench.start_server("second", 2)
    for container in bench.containers:
        wait_for_health(container, "healthy")
    with Load(bench.world, f"ipv4:{bench.address(1)},{bench.address(2)}", FORWARD, heavy_forward().SerializeToString(),
              in_flight=64, connections=4, count=count, service_config=SERVICE_CONFIG_FILE) as running:
        time.sleep(1)
        begun = time.monotonic()
        docker("stop", first)
        seconds = time.monotonic() - begun
        judge("the load went on until then", not running.is_over(), True)
        outcome = running.outcome()
    state = inspect(first)["State"]
    judge("docker stop took", f"{seconds:.1f} s", "<= 10 s", seconds <= 10)
    judge("exit code, killed for memory", (state["ExitCode"], state["OOMKilled"]), (0, False))
    judge(f"calls answered of {count}", outcome.count(), count)
    judge("calls failed", outcome.total() - outcome.count(), 0)
    bench.remove_containers()


def hung_server_is_seen(bench: Bench) -> None:
    container = bench.start_server("hung", 1)
    judge("healthy at first", wait_for_health(container, "healthy") is not None, True)
    docker("kill", "--signal", "STOP", container)
    seconds = wait_for_health(container, "unhealthy")
    judge("hung, and seen by the health check", seconds and f"after {seconds:.1f} s", "within 60 s", seconds is not None)
    docker("kill", "--signal", "CONT", container)
    judge("healthy again when it goes on", wait_for_health(container, "healthy") is not None, True)
    bench.remove_containers()


def edge_guards_the_servers(bench: Bench) -> None:
    edge_host = f"{bench.subnet}.9"
    secret = Secrets(bench.world.folder / "edge", f"IP:{edge_host}")
    config = bench.world.folder / "nginx.conf"
    # The containers are on the host's network here, where 8443 alone would be every address of the machine.
    shipped = (ROOT / "docker/nginx.conf").read_text(encoding="utf-8")
    config.write_text(shipped.replace("listen 8443", f"listen {edge_host}:8443"), encoding="utf-8")
    config.chmod(0o644)

    servers = [bench.start_server(f"gradus-{number}", number, "--volume", f"{secret.tokens}:/etc/gradus/tokens:ro", "--env",
                                  "GRADUS_TOKENS=/etc/gradus/tokens") for number in (1, 2, 3)]
    for server in servers:
        wait_for_health(server, "healthy")
    hosts = [part for number in (1, 2, 3) for part in ("--add-host", f"gradus-{number}:{bench.subnet}.{number}")]
    edge = bench.start("edge", "edge", *hosts, "--tmpfs", "/tmp:size=64m,mode=1777", "--volume",
                       f"{secret.tls}:/etc/gradus/tls:ro", "--volume", f"{config}:/etc/nginx/nginx.conf:ro")

    def grade() -> subprocess.CompletedProcess:
        return grade_through(bench, f"{edge_host}:8443", secret, secret.token_file)

    answered = wait_until(lambda: grade().stdout == graded(bench), 30, 0.2)
    judge("homework graded through the edge", answered, True)
    if not answered:
        print(grade().stderr, docker("logs", edge), sep="\n")
    judge("user of the edge's process",
          re.search(r"^Uid:\s+(\d+)", pathlib.Path(f"/proc/{inspect(edge)['State']['Pid']}/status").read_text(
              encoding="ascii"), re.MULTILINE)[1], "65532")

    certificate = secret.certificate.read_bytes()

    def channel(*options: tuple[str, object]) -> grpc.Channel:
        return grpc.secure_channel(f"{edge_host}:8443", grpc.ssl_channel_credentials(certificate), [
            ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0), *options])

    metadata = [("authorization", f"Bearer {secret.token}")]
    codes: list[str] = []

    def call(to: grpc.Channel, method: str, request: bytes, **options: object) -> str:
        try:
            to.unary_unary(f"/{method}")(request, timeout=PATIENCE, **{"metadata": metadata, **options})
            return "OK"
        except grpc.RpcError as error:
            return error.code().name

    with channel() as plain:
        try:
            next(plain.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=PATIENCE))
            code = "OK"
        except grpc.RpcError as error:
            code = error.code().name
        judge("watching the health of all at once", code, "UNIMPLEMENTED")
        judge("a caller without a token", call(plain, FORWARD, b"", metadata=[]), "UNAUTHENTICATED")
        judge("a service that is not there", call(plain, "other.Service/Method", b""), "UNIMPLEMENTED")

    # Below the edge's limits.
    with channel(("grpc.service_config", SERVICE_CONFIG_FILE.read_text(encoding="utf-8"))) as patient:
        request = heavy_forward().SerializeToString()

        def calls() -> None:
            for _ in range(150):
                codes.append(call(patient, FORWARD, request))
                time.sleep(0.05)

        threads = [threading.Thread(target=calls) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        docker("stop", servers[0])
        went_on = any(thread.is_alive() for thread in threads)
        for thread in threads:
            thread.join()
    judge("calls went on until one of three servers was stopped", went_on, True)
    judge("calls through the edge that failed meanwhile", [code for code in codes if code != "OK"], [])

    # Above them.
    with channel() as hasty:
        list_ops = hasty.unary_unary("/gradus.v1.GradientService/ListOps")
        futures = [list_ops.future(b"", timeout=PATIENCE, metadata=metadata) for _ in range(2000)]
        hasty_codes = {future.code().name for future in futures}
    judge("answers to 2,000 calls at once", sorted(hasty_codes), "OK and UNAVAILABLE", hasty_codes == {"OK", "UNAVAILABLE"})
    docker("stop", edge)
    judge("exit code of the edge", inspect(edge)["State"]["ExitCode"], 0)
    bench.remove_containers()


class Composed:
    """compose.yaml, up in a network and with a port of its own, with secrets and the images of this run."""

    def __init__(self, bench: Bench, tool: list[str], *services: str) -> None:
        folder = bench.world.folder / "compose" / bench.name
        shutil.copytree(ROOT / "docker", folder, ignore=shutil.ignore_patterns("secrets", "token"))
        self.secret = Secrets(folder / "secrets", "DNS:localhost")
        images = {name: {"image": bench.image(service["image"].removeprefix("gradus-"))}
                  for name, service in shipped_compose()["services"].items() if "build" in service}
        (folder / "images.json").write_text(json.dumps({"services": images}), encoding="utf-8")
        port = free_port()
        self.edge = f"localhost:{port}"
        self._tool = ["env", f"GRADUS_PORT=127.0.0.1:{port}", *tool, "--project-name", bench.name, "--file",
                      folder / "compose.yaml", "--file", folder / "images.json"]
        self._services = services

    def run(self, *arguments: str) -> str:
        return must_run(*self._tool, *arguments, seconds=300)

    def container(self, service: str) -> str:
        return self.run("ps", "--quiet", service)

    def __enter__(self) -> Composed:
        try:
            self.run("up", "--detach", "--no-build", *self._services)
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        run(*self._tool, "down", "--volumes", "--timeout", "5")


def compose_serves(bench: Bench) -> None:
    tools = compose_tools()
    if not tools:
        print("  skipped: docker compose is not installed", flush=True)
        return
    # Not every engine has networks other than the host's.
    network = run("docker", "network", "create", bench.name)
    if network.returncode == 0:
        network = run("docker", "run", "--rm", "--network", bench.name, bench.image("server"), "--version")
        docker("network", "rm", bench.name)
    if network.returncode != 0:
        print(f"  skipped: {network.stderr.strip()}", flush=True)
        return
    services = shipped_compose()["services"]
    prometheus = services["prometheus"]["image"]
    has_prometheus = (run("docker", "image", "inspect", prometheus).returncode == 0 or
                      run("docker", "pull", "--quiet", prometheus, seconds=600).returncode == 0)
    if not has_prometheus:
        print(f"  skipped Prometheus: there is no image {prometheus}, and it cannot be pulled", flush=True)

    with Composed(bench, tools[0], *(name for name in services if has_prometheus or name != "prometheus")) as composed:
        judge("the edge is healthy", wait_for_health(composed.container("edge"), "healthy") is not None, True)

        def grade(token_file: pathlib.Path) -> subprocess.CompletedProcess:
            return grade_through(bench, composed.edge, composed.secret, token_file)

        done = grade(composed.secret.token_file)
        judge("homework graded through it", done.stdout == graded(bench), True)
        judge("what the client had to say", done.stderr, "")

        new_token = bench.world.folder / "new_token"
        new_token.write_text(secrets.token_urlsafe(), encoding="ascii")
        judge("exit code with an unknown token", grade(new_token).returncode, 2)
        composed.secret.allow(new_token.read_text(encoding="ascii"))
        composed.run("kill", "-s", "HUP", "gradus-1", "gradus-2", "gradus-3")
        judge("it is known after SIGHUP", wait_until(lambda: grade(new_token).stdout == graded(bench), 30, 0.2), True)

        server = composed.container("gradus-1")
        # Not by docker kill, after which nothing is started again.
        os.kill(inspect(server)["State"]["Pid"], signal.SIGKILL)
        judge("a server that was killed is started again",
              wait_until(lambda: inspect(server)["RestartCount"] == 1 and health(server) == "healthy", 60, 0.2), True)
        judge("homework graded then", grade(composed.secret.token_file).stdout == graded(bench), True)

        if has_prometheus:
            query = ["exec", "-T", "prometheus", "promtool", "query", "instant", "http://localhost:9090",
                     "gradus_busy_workers"]
            # It asks them every 15 seconds.
            judge("Prometheus knows of three servers",
                  wait_until(lambda: len(composed.run(*query).splitlines()) == 3, 60, 1), True)


CHECKS: list[tuple[str, Callable[[Bench], None]]] = [
    ("compose.yaml keeps the policy (T16)", compose_keeps_the_policy),
    ("the images are built, and small", images_are_small),
    ("the images keep the policy (T16)", images_keep_the_policy),
    ("the SBOM lists what is in them", sbom_is_complete),
    ("a server is not open by accident", server_is_not_open_by_accident),
    ("homework, as nobody and with nothing to write to", homework_is_graded),
    ("docker stop under load (T8)", stopping_loses_no_call),
    ("a hung server", hung_server_is_seen),
    ("three servers behind the edge", edge_guards_the_servers),
    ("compose.yaml, up", compose_serves),
]


def ended(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--keep-images", action="store_true")
    arguments = parser.parse_args()
    # So that what was started is removed all the same.
    signal.signal(signal.SIGTERM, ended)
    with tempfile.TemporaryDirectory(prefix="gradus-docker-") as folder:
        # The user in the containers reads files there.
        pathlib.Path(folder).chmod(0o755)
        bench = Bench(arguments.build.resolve(), pathlib.Path(folder))
        try:
            for name, check in CHECKS:
                print(f"{name}:", flush=True)
                try:
                    check(bench)
                except Exception:
                    judge(name, traceback.format_exc(limit=3), "done")
                    bench.remove_containers()
                    if check is images_are_small:
                        break
        finally:
            bench.remove_containers()
            if not arguments.keep_images:
                bench.remove_images()
    print("\n" + "".join(f"FAILED: {failure}\n" for failure in failures) + f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
