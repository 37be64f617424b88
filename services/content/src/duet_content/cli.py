"""`duet-content`: what an operator does to content from a shell."""

import asyncio
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from duet_common.db.migrations import WrongDatabase
from duet_common.observability.logging import configure_logging
from duet_common.web.server import serve as serve_app
from duet_content.main import create_app
from duet_content.migrations import MIGRATIONS
from duet_content.settings import ContentSettings

app = typer.Typer(help="Operate Duet's content service.", no_args_is_help=True)


@app.command()
def serve() -> None:
    """Serve the API and the WebSockets until SIGTERM, then drain."""
    serve_app(create_app())


@app.command()
def migrate(
    wait: Annotated[float, typer.Option(help="Seconds to wait for the database to answer.")] = 0,
    skip_unknown_host: Annotated[
        bool, typer.Option(help="Do nothing while the database's host has no address.")
    ] = False,
) -> None:
    """Bring the database to this release's schema. Safe to run from several places at once."""
    try:
        settings = ContentSettings()
        configure_logging(settings.log_level, settings.log_format)
        url = settings.database_url.get_secret_value()
        done = asyncio.run(MIGRATIONS.run(url, wait, skip_unknown_host=skip_unknown_host))
    except (ValidationError, WrongDatabase, SQLAlchemyError, OSError) as error:
        typer.echo(f"duet-content: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(done)


def main() -> None:
    app()
