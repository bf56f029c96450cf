"""A server to attack."""

import pytest
from attacks import SECRET, Place

from matrixone_local import LocalServer


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A server whose stages lead to files that it may read, and to those that it may not."""
    allowed, other = tmp_path_factory.mktemp("allowed"), tmp_path_factory.mktemp("other")
    (other / "secret.csv").write_text(f"{SECRET}\n")
    (other / "folder").mkdir()
    (other / "folder" / "inner.csv").write_text(f"{SECRET}\n")
    (allowed / "link.csv").symlink_to(other / "secret.csv")
    (allowed / "linked").symlink_to(other)
    (allowed / "dangling.csv").symlink_to(other / "new.csv")
    with LocalServer(allow_path=[allowed]) as server:
        found = Place(server, allowed, other)
        with found.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE t (a TEXT)")
            cursor.execute(f"CREATE STAGE inside URL='file://{allowed}/'")
            cursor.execute(f"CREATE STAGE outside URL='file://{other}/'")
            cursor.execute(f"CREATE STAGE up URL='file://{allowed}/../{other.name}/'")
            cursor.execute("CREATE STAGE within URL='stage://inside/linked/'")
            cursor.execute("CREATE STAGE deeper URL='stage://within/folder/'")
            cursor.execute("CREATE STAGE back URL='stage://inside/../'")
            cursor.execute("CREATE ROLE everything")
            cursor.execute("GRANT ALL ON DATABASE * TO everything")
            cursor.execute("GRANT ALL ON TABLE *.* TO everything")
            cursor.execute("GRANT ALL ON ACCOUNT * TO everything")
            cursor.execute("CREATE USER someone IDENTIFIED BY 'sesame' DEFAULT ROLE everything")
        yield found
