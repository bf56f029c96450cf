"""The commands on snapshots: taking them, restoring and cloning from them, and point-in-time recovery."""

import re
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click

from matrixone import RestoreReport, SnapshotLevel
from matrixone_cli.connection import ConnectionOptions, connection_options
from matrixone_cli.exits import Group
from matrixone_cli.options import CommandT, add_options, if_exists_option, if_not_exists_option
from matrixone_cli.output import Format, output_option, print_json, print_rows

HOURS = {"h": 1, "d": 24}


def _moment(_context: click.Context, _parameter: click.Parameter, written: str | None) -> datetime | None:
    try:
        return None if written is None else datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(f"{written!r} is no time such as 2026-03-01T12:00:00+00:00") from None


def _range(_context: click.Context, _parameter: click.Parameter, written: str) -> tuple[int, str]:
    found = re.fullmatch(r"(\d+)(h|d|mo|y)", written)
    if found is None:
        raise click.BadParameter(f"{written!r} is no range such as 12h, 7d, 1mo or 1y")
    return int(found[1]), found[2]


def _age(_context: click.Context, _parameter: click.Parameter, written: str | None) -> timedelta | None:
    if written is None:
        return None
    found = re.fullmatch(r"(\d+)([hd])", written)
    if found is None:
        raise click.BadParameter(f"{written!r} is no age such as 12h or 30d")
    return timedelta(hours=int(found[1]) * HOURS[found[2]])


_allow_changes = click.option(
    "--allow-changed-definitions", is_flag=True, help="Do it also where the server changes views or defaults."
)


def _restore_options(command: CommandT) -> CommandT:
    """Give a command the options that restores of databases and tables share."""
    return add_options(
        command,
        (
            click.argument("snapshot", required=False),
            click.option("--pitr", metavar="NAME", help="The point-in-time recovery that covers it; with --at."),
            click.option("--at", callback=_moment, metavar="TIME", help="Go back to this time, with a time zone."),
            click.option(
                "--to", metavar="NAME", help="Restore into a new one of this name; the original stays as it is."
            ),
            click.option("--plan", is_flag=True, help="Only show what would come, go and change."),
            _allow_changes,
        ),
    )


def _list_options(command: CommandT) -> CommandT:
    """Give a command the options that lists of snapshots and of point-in-time recoveries are filtered by."""
    levels = click.Choice([level.value for level in SnapshotLevel])
    return add_options(
        command,
        (
            click.argument("like", required=False),
            click.option("--level", type=levels, help="Only those of this level."),
            click.option("--database", help="Only those of this database, or of a table in it."),
            click.option("--table", help="Only those of tables of this name."),
        ),
    )


@click.group(cls=Group)
def snapshot() -> None:
    """Work with snapshots."""


@snapshot.command("ls")
@_list_options
@output_option
@connection_options
def list_snapshots(options: ConnectionOptions, /, like: str | None, output: Format, **filters: Any) -> None:
    """List snapshots, or those whose names are LIKE a pattern."""
    with options.connect() as client:
        found = client.snapshots.list(like, **filters)
    columns = ("name", "level", "database", "table", "created_time")
    rows = [(each.name, each.level.value, each.database, each.table, each.created_time) for each in found]
    print_rows(columns, rows, output)


@snapshot.command("create")
@click.argument("name")
@click.option("--database", help="Only this database.")
@click.option("--table", help="Only this table of the database.")
@connection_options
def create_snapshot(options: ConnectionOptions, name: str, database: str | None, table: str | None) -> None:
    """Take a snapshot of the account, of a database or of a table."""
    with options.connect() as client:
        click.echo(client.snapshots.create(name, None, database, table).name)


@snapshot.command("drop")
@click.argument("name")
@if_exists_option
@connection_options
def drop_snapshot(options: ConnectionOptions, name: str, if_exists: bool) -> None:
    """Drop a snapshot."""
    with options.connect() as client:
        client.snapshots.drop(name, if_exists=if_exists)


@snapshot.command("prune")
@click.argument("prefix")
@click.option("--keep-last", type=click.IntRange(min=0), help="How many of the newest stay.")
@click.option("--older-than", callback=_age, metavar="AGE", help="Only those older than this, such as 12h or 30d.")
@connection_options
def prune_snapshots(
    options: ConnectionOptions, prefix: str, keep_last: int | None, older_than: timedelta | None
) -> None:
    """Drop old snapshots, and print their names. Theirs begin with PREFIX."""
    with options.connect() as client:
        for dropped in client.snapshots.prune(prefix, keep_last=keep_last, older_than=older_than):
            click.echo(dropped.name)


@click.group(cls=Group)
def restore() -> None:
    """Bring back what was."""


@restore.command("database")
@click.argument("name")
@_restore_options
@output_option
@connection_options
def restore_database(options: ConnectionOptions, /, name: str, output: Format, **arguments: Any) -> None:
    """Restore a database. It is as of a snapshot, or as of a time with --pitr and --at."""
    with options.connect() as client:
        _print_restore(client.restore.database(name, **arguments), output)


@restore.command("table")
@click.argument("name")
@_restore_options
@click.option("--replace-rows", is_flag=True, help="Keep the table and replace its rows.")
@output_option
@connection_options
def restore_table(options: ConnectionOptions, /, name: str, output: Format, **arguments: Any) -> None:
    """Restore a table. NAME is TABLE or DATABASE.TABLE; as of a snapshot, or as of a time with --pitr and --at."""
    with options.connect() as client:
        _print_restore(client.restore.table(name, **arguments), output)


@restore.command("account")
@click.argument("snapshot")
@click.option("--plan", is_flag=True, help="Only show what would come, go and change.")
@_allow_changes
@output_option
@connection_options
def restore_account(options: ConnectionOptions, /, snapshot: str, output: Format, **arguments: Any) -> None:
    """Restore the user's account. Databases that are later than the snapshot are dropped."""
    with options.connect() as client:
        _print_restore(client.restore.account(snapshot, **arguments), output)


def _print_restore(report: RestoreReport, output: Format) -> None:
    if output == "table":
        click.echo(str(report))
    elif output == "json":
        print_json(asdict(report))
    else:
        rows = [(table.name, table.change, table.rows_now, table.rows_then) for table in report.tables]
        print_rows(("name", "change", "rows_now", "rows_then"), rows, output)


@click.group(cls=Group)
def clone() -> None:
    """Copy databases and tables. A copy shares its rows until one changes."""


@clone.command("database")
@click.argument("target")
@click.argument("source")
@click.option("--snapshot", help="The snapshot to clone; by default what there is now.")
@click.option("--if-not-exists", is_flag=True, help="Do nothing where there is one of the target's name.")
@_allow_changes
@connection_options
def clone_database(options: ConnectionOptions, /, target: str, source: str, **arguments: Any) -> None:
    """Clone the database SOURCE into a new one, TARGET."""
    with options.connect() as client:
        client.clone.database(target, source, **arguments)


@clone.command("table")
@click.argument("target")
@click.argument("source")
@click.option("--snapshot", help="The snapshot to clone it from; by default what there is now.")
@click.option("--if-not-exists", is_flag=True, help="Do nothing where there is one of the target's name.")
@_allow_changes
@connection_options
def clone_table(options: ConnectionOptions, /, target: str, source: str, **arguments: Any) -> None:
    """Clone the table SOURCE into a new one, TARGET. Each is TABLE or DATABASE.TABLE."""
    with options.connect() as client:
        client.clone.table(target, source, **arguments)


@click.group(cls=Group)
def pitr() -> None:
    """Work with point-in-time recoveries. The server keeps all that was within a range."""


@pitr.command("ls")
@_list_options
@output_option
@connection_options
def list_recoveries(options: ConnectionOptions, /, like: str | None, output: Format, **filters: Any) -> None:
    """List point-in-time recoveries. LIKE is a pattern of their names."""
    with options.connect() as client:
        found = client.pitr.list(like, **filters)
    columns = ("name", "level", "range", "database", "table", "created_time")
    rows = [
        (each.name, each.level.value, f"{each.length}{each.unit}", each.database, each.table, each.created_time)
        for each in found
    ]
    print_rows(columns, rows, output)


@pitr.command("create")
@click.argument("name")
@click.option("--range", "span", required=True, callback=_range, help="How far it reaches back: 12h, 7d, 1mo or 1y.")
@click.option("--database", help="Only this database; by default the account.")
@click.option("--table", help="Only this table of the database.")
@if_not_exists_option
@connection_options
def create_recovery(options: ConnectionOptions, /, name: str, span: tuple[int, str], **arguments: Any) -> None:
    """Create a point-in-time recovery. It is of the account, of a database or of a table."""
    with options.connect() as client:
        click.echo(client.pitr.create(name, span, **arguments).name)


@pitr.command("alter")
@click.argument("name")
@click.option("--range", "span", required=True, callback=_range, help="How far it reaches back: 12h, 7d, 1mo or 1y.")
@connection_options
def alter_recovery(options: ConnectionOptions, name: str, span: tuple[int, str]) -> None:
    """Change how far a point-in-time recovery reaches back."""
    with options.connect() as client:
        client.pitr.alter(name, span)


@pitr.command("drop")
@click.argument("name")
@if_exists_option
@connection_options
def drop_recovery(options: ConnectionOptions, name: str, if_exists: bool) -> None:
    """Drop a point-in-time recovery."""
    with options.connect() as client:
        client.pitr.drop(name, if_exists=if_exists)
