"""Every call that the page on moving here names exists, and takes the arguments that it is given there."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from matrixone import AsyncClient, Client
from matrixone_async.session import AsyncSession
from matrixone_sync.session import Session

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith(("| `", "| b"))]
CALLS = sorted({call for row in ROWS for call in re.findall(r"\b((?:client|session)(?:\.\w+)+)", row[1])})

EXISTING = {  # the public methods of the existing SDK's clients and managers, but for those that the page leaves out
    "client": "connect from_engine disconnect get_login_info execute insert batch_insert get_sqlalchemy_engine query"
    " snapshot session transaction connected version git_version get_backend_version is_feature_available"
    " get_feature_info check_version_compatibility get_version_hint is_development_version create_table drop_table"
    " create_table_with_index create_table_orm create_all drop_all get_secondary_index_tables"
    " get_secondary_index_table_by_name get_table_indexes_detail verify_table_index_counts get_pinecone_index",
    "client.load_data": "read_csv read_csv_stage read_csv_inline read_json read_json_stage read_json_inline"
    " read_parquet read_parquet_stage from_file from_local_file",
    "client.export": "to_csv to_jsonl to_csv_stage to_jsonl_stage",
    "client.stage": "create alter drop show list get exists create_local create_s3",
    "stage": "load_csv load_tsv load_json load_parquet load_files export_to_csv export_to_jsonl",
    "client.snapshots": "create list get delete exists",
    "client.restore": "restore_cluster restore_tenant restore_database restore_table",
    "client.clone": "clone_database clone_table clone_database_with_snapshot clone_table_with_snapshot",
    "client.pitr": "create_cluster_pitr create_account_pitr create_database_pitr create_table_pitr get list alter delete",
    "client.metadata": "scan get_table_brief_stats get_table_detail_stats",
    "client.vector_ops": "create_ivf create_hnsw drop enable_ivf disable_ivf enable_hnsw disable_hnsw insert"
    " batch_insert similarity_search range_search search_with_rank get_ivf_stats",
    "client.fulltext_index": "create drop enable_fulltext disable_fulltext",
}


@pytest.mark.parametrize(
    ("owner", "name"), [(owner, name) for owner, names in EXISTING.items() for name in names.split()]
)
def test_what_the_existing_sdk_has(owner, name):
    """A row names the method behind its owner, or among others of the row's owner; what has no row is below."""
    tail = PAGE.partition("### What is not here")[2]
    named = [row[0] for row in ROWS if re.search(rf"\b{name}\b", row[0])]
    assert any(owner in one for one in named) or name in tail or (owner == "client" and named)


def test_the_page_has_calls():
    assert len(ROWS) > 50
    assert len(CALLS) > 30


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    owner, *names = call.split(".")
    for found in (Client(), AsyncClient()) if owner == "client" else (Session, AsyncSession):
        for name in names:
            if owner == "client" and name == "engine":
                assert hasattr(type(found), name)
                break
            found = getattr(found, name)  # noqa: PLW2901  # one step down


def arguments_of(call):
    """The names of the arguments that a call takes."""
    found = Client()
    for name in call.split(".")[1:]:
        found = getattr(found, name)
    names = set()
    for parameter in inspect.signature(found).parameters.values():
        options = get_args(parameter.annotation) if parameter.kind is parameter.VAR_KEYWORD else ()
        names |= {name for one in options for name in one.__annotations__} or {parameter.name}
    return names


def named_arguments():
    """The arguments that the page says a call takes, by the call; what is accepted is accepted by loads."""
    for existing, ours, *differs in ROWS:
        if ours == "accepted, without effect":
            yield "client.load_data.read_csv", set(re.findall(r"(\w+)=", existing))
        said = [ours, existing] if "same names" in " ".join(differs) else [ours]
        call = re.match(r"`(client(?:\.\w+)+)\(", ours)
        if call:
            calls = [inner for text in said for inner in re.findall(r"`client[\w.]+\(([^`(]*)\)`", text)]
            yield call[1], {name for inner in calls for name in re.findall(r"\b(\w+)=", inner)}


@pytest.mark.parametrize(("call", "names"), [case for case in named_arguments() if case[1]])
def test_arguments(call, names):
    assert names <= arguments_of(call)
