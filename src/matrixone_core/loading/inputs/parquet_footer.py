"""What the footer of a stage's Parquet file says: its columns, and how large it is when it is unpacked."""

from typing import Any

from matrixone_core.errors import LoadFailed
from matrixone_core.loading.formats.parquet import check_unpacked_size, metadata_of_footer
from matrixone_core.parquet_footer import read_footer
from matrixone_core.stage_files import size_of
from matrixone_core.steps import Op


def footer_of(url: str) -> Op[bytes]:
    """Read the footer, with the file's last eight bytes, which tell where it begins.

    Raises:
        LoadFailed: this is no Parquet file.
        StageFileNotFound: there is no such file.
        ServerError: it cannot be read.
    """
    footer = yield from read_footer(url, (yield from size_of(url)))
    if footer is None:
        raise LoadFailed(f"{url} is no Parquet file")
    return footer


def check_footer(url: str, max_unpacked_bytes: int) -> Op[Any]:
    """Refuse a Parquet file that unpacks to more than allowed.

    Args:
        url: its `stage://` URL.
        max_unpacked_bytes: what it may unpack to.

    Returns:
        Its columns, as a `pyarrow.Schema`.

    Raises:
        LoadFailed: the file unpacks to more, or is no Parquet file.
        NotSupported: pyarrow is not installed.
        StageFileNotFound: there is no such file.
        ServerError: it cannot be read.
    """
    metadata = metadata_of_footer((yield from footer_of(url)), url)
    check_unpacked_size(metadata, max_unpacked_bytes, url)
    return metadata.schema.to_arrow_schema()
