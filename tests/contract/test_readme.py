"""The commands of the README's quick tour work as written."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.programs import STANDALONE, run_program, running_program, standalone_environment

ROOT = Path(__file__).parents[2]
_FENCE = "```"


def quick_tour(url: str) -> str:
    """Return the commands of the quick tour with the host and port of `url`."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Quick tour\n")[2]
    script = section.partition(f"{_FENCE}sh\n")[2].partition(_FENCE)[0]
    assert "websocat" in script
    return script.replace("127.0.0.1:8000", urlsplit(url).netloc)


async def test_the_quick_tour_works_as_written(tmp_path: Path) -> None:
    environment = standalone_environment(tmp_path, KEY_PROPAGATION_SECONDS="0.1")

    async with running_program(STANDALONE, environment, tmp_path) as standalone:
        command = ("bash", "-euo", "pipefail", "-c", quick_tour(standalone.url))
        shell = await run_program(command, environment, ROOT)

    assert shell.status == 0, shell.errors
    *responses, active_key, next_key, logged_out = shell.output.splitlines()
    assert active_key.startswith("active ")
    assert next_key.startswith("next ")
    assert logged_out == "204"
    registered, me, profile, published, page, welcome, message, tokens = map(json.loads, responses)
    assert registered["email"] == me["email"] == "ada@example.com"
    assert profile["display_name"] == published["author"]["name"] == "Ada Lovelace"
    content = published.pop("content")
    assert page["items"] == [{**published, "excerpt": content}]
    assert (welcome["type"], message["type"], message["data"]) == ("welcome", "message", "hello")
    assert tokens["token_type"] == "bearer"
