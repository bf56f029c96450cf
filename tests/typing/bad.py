"""Mistakes that must not type-check: each line has to be refused."""

from matrixone import AsyncClient, Client, Stage


def sync(client: Client, stage: Stage) -> None:
    client.stage.get(3)  # must fail
    client.stage.create("s")  # must fail
    client.stage.create_s3("s", "b", provider="gcs")  # must fail
    client.load_data.read_csv_stage("s", "f")  # must fail
    client.load_data.read_csv_stage("s", "f", "t", delimeter=",")  # must fail
    client.connect(hots="x")  # must fail
    client.stage.get = None  # must fail
    stage.name = "x"  # must fail


async def asynchronous(client: AsyncClient) -> None:
    await client.stage.get(3)  # must fail
    (await client.stage.get("s")).nope  # must fail
    client.stage.get("s").name  # must fail
