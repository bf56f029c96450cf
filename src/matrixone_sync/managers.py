# Generated from matrixone_async/managers.py by tools/generate_sync.py; do not edit.
"""The client's managers: one line for each operation, whose module is imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Unpack

from matrixone_core import operations
from matrixone_sync.methods import Manager, method

if TYPE_CHECKING:
    from pathlib import PurePath

    from matrixone_core.loading.options import PlanOptions
    from matrixone_core.targets import Target
    from matrixone_sync.load_watch import LoadWatch
    from matrixone_sync.stage_path import StagePath


class StageManager(Manager):
    """The stages of an account."""

    def path(self, stage: str, *files: str | PurePath) -> StagePath:
        """Return the path of a file or folder in a stage. This sends nothing to the server.

        Args:
            stage: name of the stage.
            files: segments of the path in the stage: str with `/` between folders, or pathlib paths. Without any, the
                path is the stage itself.

        Raises:
            InvalidArgument: the path is outside the stage, or has a character that the server cannot read.
        """
        from matrixone_sync.stage_path import StagePath  # noqa: PLC0415  # when it is used

        found = operations.stage_path_files.location(stage, files)
        return StagePath(found.stage, found.parts, self.perform)

    create: Final = method(lambda: operations.stages.create)
    create_local: Final = method(lambda: operations.stages.create_local)
    create_s3: Final = method(lambda: operations.stages.create_s3)
    list: Final = method(lambda: operations.stages.list_)
    get: Final = method(lambda: operations.stages.get)
    exists: Final = method(lambda: operations.stages.exists)
    alter: Final = method(lambda: operations.stages.alter)
    drop: Final = method(lambda: operations.stages.drop)
    check: Final = method(lambda: operations.stage_check.check)


class LoadManager(Manager):
    """Loads of files and data frames into tables."""

    def watch(
        self,
        stage: str,
        pattern: str,
        table: Target,
        *,
        every: float = 10.0,
        format: Literal["csv", "jsonline", "parquet"] | None = None,  # noqa: A002  # what a file's format is called
        **options: Unpack[PlanOptions],
    ) -> LoadWatch:
        """Load new files of a stage as they arrive, each file once, until the watch is stopped.

        The watch loads all new files together, at most 1,000 in one load; either all are stored or none. A failed load
        ends the iteration with its error. A file must be complete when it appears: write it under another name, then
        rename it. In a session each load is part of the transaction, so commit after each report.

        Args:
            stage: name of the stage.
            pattern: pattern of the files' paths, such as `orders/*.csv`.
            table: an ORM model, a `Table`, or a name: `table` or `database.table`.
            every: seconds to wait if there is no new file.
            format: format of the files; by default inferred from the pattern's suffix.
            options: options of `read_csv_stage`, `read_json_stage` or `read_parquet_stage`. `once` is True by default:
                the ledger records the loaded files, so that another watch skips them. With `once=False` the watch
                first loads all files that are already there.

        Returns:
            An iterator of `LoadReport`s that waits for the next load. `stop()`, or the end of its `with` block, ends
            it.

        Raises:
            InvalidArgument: an argument is not valid; nothing was sent.
            MatrixOneError: from the iterator, as for `read_csv_stage`.
        """
        from matrixone_sync.load_watch import LoadWatch  # noqa: PLC0415  # when it is used

        folder = operations.watching.FolderWatch(stage, pattern, table, every=every, form=format, options=options)
        return LoadWatch(self.perform, folder)

    plan: Final = method(lambda: operations.stage_loads.plan)
    history: Final = method(lambda: operations.loads.history)
    read_csv: Final = method(lambda: operations.loads.read_csv)
    read_json: Final = method(lambda: operations.loads.read_json)
    read_parquet: Final = method(lambda: operations.loads.read_parquet)
    read_arrow: Final = method(lambda: operations.loads.read_arrow)
    read_csv_stage: Final = method(lambda: operations.stage_loads.read_csv_stage)
    read_json_stage: Final = method(lambda: operations.stage_loads.read_json_stage)
    read_parquet_stage: Final = method(lambda: operations.stage_loads.read_parquet_stage)
    read_manifest_stage: Final = method(lambda: operations.stage_loads.read_manifest_stage)


class ExportManager(Manager):
    """Exports of rows to files."""

    to_stage: Final = method(lambda: operations.exports.to_stage)
    to_file: Final = method(lambda: operations.exports.to_file)
    to_csv_stage: Final = method(lambda: operations.exports.to_csv_stage)
    to_jsonl_stage: Final = method(lambda: operations.exports.to_jsonl_stage)
    to_parquet_stage: Final = method(lambda: operations.exports.to_parquet_stage)
    to_csv: Final = method(lambda: operations.exports.to_csv)
    to_jsonl: Final = method(lambda: operations.exports.to_jsonl)
    to_parquet: Final = method(lambda: operations.exports.to_parquet)


class SnapshotManager(Manager):
    """The snapshots of an account."""

    create: Final = method(lambda: operations.snapshots.create)
    list: Final = method(lambda: operations.snapshots.list_)
    get: Final = method(lambda: operations.snapshots.get)
    exists: Final = method(lambda: operations.snapshots.exists)
    drop: Final = method(lambda: operations.snapshots.drop)
    prune: Final = method(lambda: operations.snapshots.prune)
    delete: Final = method(lambda: operations.snapshots.delete)


class RestoreManager(Manager):
    """Restores of an account, a database or a table to an earlier state."""

    account: Final = method(lambda: operations.restore.account)
    database: Final = method(lambda: operations.restore.database)
    table: Final = method(lambda: operations.restore.table)
    restore_tenant: Final = method(lambda: operations.restore.restore_tenant)
    restore_database: Final = method(lambda: operations.restore.restore_database)
    restore_table: Final = method(lambda: operations.restore.restore_table)


class CloneManager(Manager):
    """Copies of databases and tables."""

    database: Final = method(lambda: operations.clone.database)
    table: Final = method(lambda: operations.clone.table)
    clone_database: Final = method(lambda: operations.clone.clone_database)
    clone_table: Final = method(lambda: operations.clone.clone_table)


class PitrManager(Manager):
    """The point-in-time recoveries of an account."""

    create: Final = method(lambda: operations.pitr.create)
    list: Final = method(lambda: operations.pitr.list_)
    get: Final = method(lambda: operations.pitr.get)
    alter: Final = method(lambda: operations.pitr.alter)
    drop: Final = method(lambda: operations.pitr.drop)
    create_account_pitr: Final = method(lambda: operations.pitr.create_account_pitr)
    create_database_pitr: Final = method(lambda: operations.pitr.create_database_pitr)
    create_table_pitr: Final = method(lambda: operations.pitr.create_table_pitr)
    delete: Final = method(lambda: operations.pitr.delete)
