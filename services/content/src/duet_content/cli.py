"""`duet-content`: the command line of the content service."""

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
    wait: Annotated[float, typer.Option(help="Maximum seconds to wait for the database.")] = 0,
    skip_unknown_host: Annotated[
        bool,
        typer.Option(
            help="Succeed without doing anything if the database's host name does not resolve."
        ),
    ] = False,
) -> None:
    """Migrate the database to this release's schema. Several processes may run this at once."""
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
