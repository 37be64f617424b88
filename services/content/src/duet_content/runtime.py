"""What content runs on; `duet_content.main` creates it, and `runtime_of` returns it."""

from dataclasses import dataclass

from duet_common.tokens.key_sources import FileKeySource, JwksKeySource
from duet_common.web.runtime import Runtime
from duet_content.realtime.hub import Hub
from duet_content.settings import ContentSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRuntime(Runtime):
    settings: ContentSettings
    keys: FileKeySource | JwksKeySource
    hub: Hub
