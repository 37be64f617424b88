"""`duet-content`: what an operator does to content from a shell."""

import asyncio

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from duet_content.migrations import MIGRATIONS
from duet_content.settings import ContentSettings

app = typer.Typer(help="Operate Duet's content service.", no_args_is_help=True)


@app.callback()
def _commands() -> None:
    """Keep `migrate` a subcommand, although it is the only one."""


@app.command()
def migrate() -> None:
    """Bring the database to this release's schema. Safe to run from several places at once."""
    try:
        settings = ContentSettings()
        done = asyncio.run(MIGRATIONS.upgrade(settings.database_url.get_secret_value()))
    except (ValidationError, SQLAlchemyError, OSError) as error:
        typer.echo(f"duet-content: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{'migrated to' if done else 'already at'} {MIGRATIONS.head}")


def main() -> None:
    app()
