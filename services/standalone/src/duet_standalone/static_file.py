"""Files that do not change while the server runs, each of which is compressed once."""

import gzip
from dataclasses import dataclass
from typing import Self

from starlette.requests import Request
from starlette.responses import Response

from duet_common.web.compression import MIN_COMPRESSED_BYTES, accepts_gzip


@dataclass(frozen=True, slots=True)
class StaticFile:
    """The content of a file, and its compressed form unless the file is too small."""

    content: bytes
    gzipped: bytes | None
    media_type: str

    @classmethod
    def of(cls, content: bytes, media_type: str) -> Self:
        """Compress the content. This takes 60 ms per MB, so call it in a thread."""
        gzipped = gzip.compress(content) if len(content) >= MIN_COMPRESSED_BYTES else None
        return cls(content, gzipped, media_type)

    def response(self, request: Request, headers: dict[str, str]) -> Response:
        if self.gzipped is None:
            return Response(self.content, media_type=self.media_type, headers=headers)
        headers = {**headers, "Vary": "Accept-Encoding"}
        if not accepts_gzip(request.scope):
            return Response(self.content, media_type=self.media_type, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(self.gzipped, media_type=self.media_type, headers=headers)
