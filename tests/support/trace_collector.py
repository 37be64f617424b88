"""A collector of traces on 127.0.0.1, which keeps what it is sent."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Seen:
    """A span as it arrived, with the service and the instrumentation that it came from."""

    service: str
    scope: str
    span: Span

    @property
    def is_server(self) -> bool:
        return self.span.kind == Span.SPAN_KIND_SERVER

    def attribute(self, name: str) -> str:
        """An attribute that is text; empty if there is none."""
        return next((a.value.string_value for a in self.span.attributes if a.key == name), "")


class Collector:
    def __init__(self, url: str) -> None:
        self.url = url
        self.paths: set[str] = set()
        self.content_types: set[str] = set()
        self.spans: list[Seen] = []

    def take(self, path: str, content_type: str, body: bytes) -> None:
        self.paths.add(path)
        self.content_types.add(content_type)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = (a for a in resource.resource.attributes if a.key == "service.name")
            service = next(names).value.string_value
            for scope in resource.scope_spans:
                self.spans += [Seen(service, scope.scope.name, span) for span in scope.spans]

    @property
    def servers(self) -> Counter[str]:
        """How many server spans there are of each name."""
        return Counter(seen.span.name for seen in self.spans if seen.is_server)

    def server(self, name: str) -> Seen:
        """The one server span of that name."""
        (found,) = (seen for seen in self.spans if seen.is_server and seen.span.name == name)
        return found

    def below(self, parent: Seen) -> list[Seen]:
        """The spans whose parent that span is, in their order."""
        found = (s for s in self.spans if s.span.parent_span_id == parent.span.span_id)
        return sorted(found, key=lambda seen: seen.span.start_time_unix_nano)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A running collector; `url` is what OTEL_EXPORTER_OTLP_ENDPOINT would name."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(self.path, self.headers["Content-Type"], body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
