"""An OTLP trace collector on 127.0.0.1 that keeps every span that it receives."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class ReceivedSpan:
    """A span, with its service and its instrumentation scope."""

    service: str
    scope: str
    span: Span

    @property
    def is_server(self) -> bool:
        return self.span.kind == Span.SPAN_KIND_SERVER

    def attribute(self, name: str) -> str:
        """Return a text attribute, or the empty string if there is none."""
        return next((a.value.string_value for a in self.span.attributes if a.key == name), "")


class Collector:
    """The collector's state: its base URL, the spans, and the paths and media types of requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.paths: set[str] = set()
        self.content_types: set[str] = set()
        self.spans: list[ReceivedSpan] = []

    def receive(self, path: str, content_type: str, body: bytes) -> None:
        """Keep the spans of one export request."""
        self.paths.add(path)
        self.content_types.add(content_type)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = (a for a in resource.resource.attributes if a.key == "service.name")
            service = next(names).value.string_value
            for scope in resource.scope_spans:
                self.spans += [
                    ReceivedSpan(service, scope.scope.name, span) for span in scope.spans
                ]

    @property
    def server_span_counts(self) -> Counter[str]:
        """The number of server spans per name."""
        return Counter(s.span.name for s in self.spans if s.is_server)

    def server_span(self, name: str) -> ReceivedSpan:
        """Return the only server span of that name."""
        (found,) = (s for s in self.spans if s.is_server and s.span.name == name)
        return found

    def children(self, parent: ReceivedSpan) -> list[ReceivedSpan]:
        """Return the child spans of a span, in the order of their start."""
        found = (s for s in self.spans if s.span.parent_span_id == parent.span.span_id)
        return sorted(found, key=lambda s: s.span.start_time_unix_nano)


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector; `url` is the value for OTEL_EXPORTER_OTLP_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.receive(self.path, self.headers["Content-Type"], body)
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
