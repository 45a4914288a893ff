#!/usr/bin/python3
"""Makes the calls that compare.py lists, and writes down what came of each. replay.go and replay.js do the same.

Usage: replay.py CALLS DIRECTORY SERVER [TLS-CA]

CALLS is a JSON list of calls. Each has a name, a method (`gradus.v1.GradientService/Forward`), the files of its
requests, and, where they matter, a token, deadline_ms, cancel_after_ms, and keep_open for a stream that does not say
that no more requests follow. Messages go through this language's own types, on the way out and back: a response is written as
DIRECTORY/<name>.<number> when it has been parsed and serialised again. DIRECTORY/results.json has the codes, messages
and details.
"""

import json
import pathlib
import sys
import threading

import grpc
from google.protobuf import symbol_database
from google.rpc import error_details_pb2, status_pb2
from gradus.v1 import gradient_service_pb2, grading_service_pb2

# Above the server's own limits, so that these decide.
OPTIONS = [("grpc.max_receive_message_length", 128 << 20), ("grpc.max_send_message_length", 128 << 20)]

SERVICES = {
    service.full_name: service
    for file in (gradient_service_pb2, grading_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
}


def open_channel(server, tls_ca):
    if tls_ca is None:
        return grpc.insecure_channel(server, OPTIONS)
    return grpc.secure_channel(server, grpc.ssl_channel_credentials(pathlib.Path(tls_ca).read_bytes()), OPTIONS)


def decode_details(trailers):
    details = []
    for key, value in trailers or ():
        if key != "grpc-status-details-bin":
            continue
        status = status_pb2.Status.FromString(value)
        details.append({"type": "google.rpc.Status", "code": status.code, "message": status.message})
        for detail in status.details:
            kind = detail.type_url.rpartition("/")[2]
            if kind == "google.rpc.ErrorInfo":
                info = error_details_pb2.ErrorInfo.FromString(detail.value)
                details.append(
                    {"type": kind, "reason": info.reason, "domain": info.domain, "metadata": dict(info.metadata)})
            elif kind == "google.rpc.BadRequest":
                violations = error_details_pb2.BadRequest.FromString(detail.value).field_violations
                details.append({"type": kind, "violations": [[v.field, v.description] for v in violations]})
            else:
                details.append({"type": kind})
    return details


def make_call(channel, call, directory):
    service, _, name = call["method"].partition("/")
    method = SERVICES[service].methods_by_name[name]
    request_type = symbol_database.Default().GetPrototype(method.input_type)
    response_type = symbol_database.Default().GetPrototype(method.output_type)
    requests = [request_type.FromString(pathlib.Path(file).read_bytes()) for file in call["requests"]]
    over = threading.Event()

    def send():
        yield from requests
        if call.get("keep_open"):
            over.wait()

    options = {
        "timeout": call.get("deadline_ms", 60000) / 1000,
        "metadata": [("authorization", "Bearer " + call["token"])] if call.get("token") else [],
    }
    stream = channel.stream_stream(
        f"/{call['method']}",
        request_serializer=request_type.SerializeToString,
        response_deserializer=response_type.FromString,
    )(send(), **options)
    if "cancel_after_ms" in call:
        threading.Timer(call["cancel_after_ms"] / 1000, stream.cancel).start()
    count = 0
    try:
        for response in stream:
            (directory / f"{call['name']}.{count}").write_bytes(response.SerializeToString(deterministic=True))
            count += 1
    except grpc.RpcError:
        pass
    over.set()
    return {
        "name": call["name"],
        "code": stream.code().name,
        "message": stream.details(),
        "details": decode_details(stream.trailing_metadata()),
        "responses": count,
    }


def main():
    calls, directory, server, tls_ca = (sys.argv[1:] + [None])[:4]
    directory = pathlib.Path(directory)
    with open_channel(server, tls_ca) as channel:
        results = [make_call(channel, call, directory) for call in json.loads(pathlib.Path(calls).read_text())]
    (directory / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
