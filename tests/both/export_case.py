"""What tests of exports begin with."""

FORMATS = {"csv": "csv", "jsonline": "jsonl", "parquet": "parquet"}


def rows_of(client, table):
    return [tuple(row) for row in client.execute(f"SELECT * FROM {table} ORDER BY id")]
