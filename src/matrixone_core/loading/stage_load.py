"""Loads from a stage: which files, what is read of them beforehand, and whether the server can read them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from matrixone_core import catalog, patterns
from matrixone_core.errors import (
    InvalidArgument,
    LoadFailed,
    NotSupported,
    ServerError,
    StageFileNotFound,
    TransactionAborted,
)
from matrixone_core.loading import preview
from matrixone_core.loading.formats.compression import compression_of
from matrixone_core.loading.formats.line_pattern import object_pattern
from matrixone_core.loading.formats.parquet import text_columns, whole_number_columns
from matrixone_core.loading.inputs import file_listing, header
from matrixone_core.loading.inputs.compressed_end import check_end
from matrixone_core.loading.inputs.files import StageFile
from matrixone_core.loading.inputs.parquet_footer import check_footer
from matrixone_core.loading.inputs.schema_inference import FileColumn, sample_of
from matrixone_core.loading.ledger import entry_for_key, entry_for_stage_file
from matrixone_core.loading.mapping import default_names, no_such_column
from matrixone_core.loading.plan import PROBED_BYTES, LoadPlan, is_medium
from matrixone_core.loading.request import LoadRequest
from matrixone_core.loading.run import LoadFacts, fetch_facts, load, with_timeout
from matrixone_core.loading.shaping import ShapedTable, match_known_names, shape_table
from matrixone_core.loading.table import Table
from matrixone_core.messages import show
from matrixone_core.names import stage_name
from matrixone_core.results import LoadReport
from matrixone_core.sql.ledger import Entry
from matrixone_core.sql.load import Csv, Format, JsonLines, Parquet
from matrixone_core.sql.table import LoadState
from matrixone_core.steps import Concurrently, Op, in_order, read_clock

T = TypeVar("T")


def load_files(request: LoadRequest, stage: str, file: str | Sequence[str]) -> Op[LoadReport]:
    """Load files of a stage.

    Args:
        request: what the caller wants.
        stage: the stage's name.
        file: a path in the stage, a pattern, or a list.
    """
    name = stage_name(stage)
    return with_timeout(request, _load(request, name, file_listing.stage_urls(name, file)))


def plan_files(request: LoadRequest, stage: str, file: str | Sequence[str]) -> Op[LoadPlan]:
    """What a load would do; arguments as of `load_files`."""
    name = stage_name(stage)
    return (yield from with_timeout(request, _plan(request, name, file_listing.stage_urls(name, file))))


def _plan(request: LoadRequest, name: str, urls: tuple[str, ...]) -> Op[LoadPlan]:
    shaped, files = yield from _resolve(request, name, urls, for_plan=True)
    again = partial(_load_again, request, name, urls)
    return (yield from preview.plan_with_sample(request, shaped.facts, files, shaped.preparation, again))


def _load_again(request: LoadRequest, name: str, urls: tuple[str, ...]) -> Op[LoadReport]:
    return with_timeout(request, _load(request, name, urls))


def _load(request: LoadRequest, name: str, urls: tuple[str, ...]) -> Op[LoadReport]:
    began = yield from read_clock()
    shaped, files = yield from _resolve(request, name, urls)
    return (yield from load(request, shaped.facts, files, began, preparation=shaped.preparation))


def _resolve(
    request: LoadRequest, name: str, urls: tuple[str, ...], *, for_plan: bool = False
) -> Op[tuple[ShapedTable, tuple[StageFile, ...]]]:
    """The table as the load needs it, and its files with what is read of them beforehand."""
    shaped, files = yield from _shape(request, *(yield from _resolve_files(request, name, urls)))
    if isinstance(request.format, Parquet):
        target = None if for_plan else shaped.facts.table  # a plan shows which columns do not go together
        checks = tuple(_check_parquet(request, target, file) for file in files)
        files = yield from _run_all(request, shaped.facts, checks)
    return shaped, files


def _shape(
    request: LoadRequest, facts: LoadFacts, files: tuple[StageFile, ...]
) -> Op[tuple[ShapedTable, tuple[StageFile, ...]]]:
    """The table as the load needs it, and the files with the fields that go to it."""
    names = files[0].names if files else ()
    if not files:
        return ShapedTable(facts, ()), files
    shaped = yield from shape_table(request, facts, names, partial(_suggest, request, files[0]))
    return shaped, tuple(replace(file, names=_names_of(request, shaped, file)) for file in files)


def _names_of(request: LoadRequest, shaped: ShapedTable, file: StageFile) -> tuple[str | None, ...]:
    """The columns that a file's fields go to: its header's, where it has one."""
    if file.pattern is not None:
        return file.names
    if not request.header or not file.names:
        return shaped.names
    ignores = request.options.extra_columns == "ignore" and not request.assignments
    return match_known_names(shaped.facts.table, file.names) if ignores else file.names


def _suggest(request: LoadRequest, file: StageFile) -> Op[Sequence[FileColumn]]:
    return (yield from sample_of(file.path, request.format, header=request.header, nulls=request.nulls)).columns


def _resolve_files(
    request: LoadRequest, name: str, urls: tuple[str, ...]
) -> Op[tuple[LoadFacts, tuple[StageFile, ...]]]:
    """What is known before a load, and its files."""
    facts = yield from fetch_facts(request, name, urls[0], _choose_probe_offsets(request, urls))
    found = yield from file_listing.expand_patterns(name, urls, allow_empty=request.options.allow_empty)
    files = yield from _gather(request, facts, tuple(_describe(request, facts, url) for url in found))
    if isinstance(request.options.once, str) and len(files) > 1:
        raise InvalidArgument(f"once={show(request.options.once)} is the key of one file, and there are {len(files)}")
    return facts, files


def _gather(request: LoadRequest, facts: LoadFacts, ops: tuple[Op[StageFile], ...]) -> Op[tuple[StageFile, ...]]:
    """The files, several at once where something is read of them."""
    reads = request.header or request.options.once or isinstance(request.format, JsonLines) or facts.table is None
    return (yield from _run_all(request, facts, ops)) if reads else (yield from in_order(ops))


def _run_all(request: LoadRequest, facts: LoadFacts, ops: tuple[Op[T], ...]) -> Op[tuple[T, ...]]:
    """Run operations that read files, several at once; a session has one connection."""
    if facts.state.owns_transaction and len(ops) > 1:
        return (yield from Concurrently(ops, request.options.concurrency))
    return (yield from in_order(ops))


def _check_parquet(request: LoadRequest, target: Table | None, file: StageFile) -> Op[StageFile]:
    """Check the footer of a Parquet file, if it can be read: its size, and that the table has its columns.

    Args:
        request: what the caller wants.
        target: the table; None where its columns are not compared.
        file: the file.

    Returns:
        The file, with what its footer says.
    """
    try:
        schema = yield from check_footer(file.path, request.options.max_unpacked_bytes)
    except (LoadFailed, StageFileNotFound, TransactionAborted):
        raise
    except (ServerError, NotSupported):  # without pyarrow, or of an S3 stage that the server only loads from
        return file
    chosen = request.columns or request.assignments or request.options.extra_columns != "error"
    if not chosen and target is not None:
        for name in schema.names:
            if target.column(name) is None:
                raise no_such_column(target, name, file.path)
    return replace(file, whole=whole_number_columns(schema), texts=text_columns(schema))


def _choose_probe_offsets(request: LoadRequest, urls: Sequence[str]) -> tuple[int, ...]:
    """Offsets that tell how large the one file is; a compressed one grows, and of many files each is small or not."""
    if len(urls) > 1 or patterns.is_pattern(urls[0]):
        return ()
    plain = compression_of(request.format.compression, urls[0]) == "none"
    return PROBED_BYTES if plain else PROBED_BYTES[:1]


def _describe(request: LoadRequest, facts: LoadFacts, url: str) -> Op[StageFile]:
    names = request.columns
    goes_by_suffix = yield from _goes_by_suffix(request.format, facts.state, url)
    form = _without_compression(request.format, url) if goes_by_suffix else request.format
    yield from _check_end(url, compression_of(form.compression, url))
    if request.header and isinstance(form, Csv):
        names = yield from header.header_of_stage_file(url, form)
        form = replace(form, ignore_lines=form.ignore_lines + 1)
    if not names and facts.table is not None:
        names = default_names(request, facts.table)
    file = StageFile(url, form, names, (yield from _entry(request, facts, url)))
    if isinstance(form, JsonLines):
        is_unsaid = goes_by_suffix and form.compression is not None
        if request.is_unchecked or is_unsaid:  # of lines that are no JSON the server says nothing (server-facts 23)
            return replace(file, through_client=True)
        return (yield from _choose_json_reader(request, facts, file, form))
    return file


def _goes_by_suffix(form: Format, state: LoadState, url: str) -> Op[bool]:
    """Whether a server refuses the keyword `compression` for a file, as for stages of buckets (server-facts 22)."""
    if form.compression is None or state.stage is None or state.is_located:
        return False
    return (yield from catalog.resolve_url(state.stage, url)).startswith("s3://")


def _without_compression(form: Format, url: str) -> Format:
    """The format without what the file's suffix says as well; of JSON lines, which can be read here, also with it.

    Raises:
        InvalidArgument: the server would go by another suffix.
    """
    by_suffix = compression_of(None, url)
    if by_suffix == form.compression:
        return replace(form, compression=None)
    if isinstance(form, JsonLines):
        return form
    raise InvalidArgument(
        f"compression={show(form.compression)} cannot be used for {url}, as a server goes by the suffixes of files in"
        f" buckets, and this one says {show(by_suffix)}; rename the file, or leave compression out"
    )


def _check_end(url: str, compression: str) -> Op[None]:
    """Check that a compressed file is whole, if it can be read (server-facts 9)."""
    try:
        yield from check_end(url, compression)
    except (LoadFailed, StageFileNotFound, TransactionAborted):
        raise
    except (ServerError, NotSupported):
        return


def _choose_json_reader(request: LoadRequest, facts: LoadFacts, file: StageFile, form: JsonLines) -> Op[StageFile]:
    """Whether the server reads a file of JSON lines: only if each line plainly has what the first one has.

    Of other lines the server loses some, and writes nested values as nobody else does (server-facts 23, 56).
    """
    through_client = replace(file, through_client=True)
    if "error" in {request.missing_keys, request.extra_keys} or request.options.extra_columns == "add" or form.base64:
        return through_client  # the server passes over keys that are no columns, and decodes no base64
    if facts.table is None or form.shape != "object" or not is_medium(facts.state) or not facts.state.owns_transaction:
        return through_client
    data, _ = yield from header.read_head(file.path, form)
    found = object_pattern(data, facts.table, file.names)
    return through_client if found is None else replace(file, names=found.keys, pattern=found.pattern)


def _entry(request: LoadRequest, facts: LoadFacts, url: str) -> Op[Entry | None]:
    once = request.options.once
    name = facts.full_name(request)
    if isinstance(once, str):
        return entry_for_key(name, once)
    if not once or facts.state.stage is None:
        return None
    return (yield from entry_for_stage_file(name, facts.state.stage, url, whole=request.options.hash_whole_file))
