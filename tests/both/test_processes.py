"""Processes that use clients: what is left at their end, and what their forks may touch."""

import os
import subprocess
import sys
import textwrap

import pytest

SLEEPERS = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"


def run(code, url):
    program = textwrap.dedent(code).replace("URL", repr(url))
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", f"SLEEPERS = {SLEEPERS!r}\n{program}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_nothing_is_complained_about_at_the_end(matrixone_url, unique):
    code = """
        import asyncio, gc
        from matrixone import AsyncClient, Client, errors
        with Client(url=URL) as client:
            with client.session() as session:
                session.stage.exists("x")
            try:
                client.execute("SELECT SLEEP(3)", timeout=0.1)
            except Exception:
                pass
        async def main():
            asyncio.get_running_loop().slow_callback_duration = 60  # on a busy machine a step takes as long as it takes
            client = AsyncClient(url=URL)
            await client.connect()
            async with client.session() as session:
                await session.stage.exists("x")
            task = asyncio.ensure_future(client.execute("SELECT SLEEP(3)"))
            await asyncio.sleep(0.1)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            async with client.stream("SELECT 1 UNION SELECT 2") as rows:
                async for row in rows:
                    break
            await client.disconnect()
        asyncio.run(main())
        asyncio.run(main())
        gc.collect()
        print("done")
        """
    assert run(code, matrixone_url) == "done\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_child_has_a_pool_of_its_own(matrixone_url):
    code = """
        import os, sys
        from matrixone import Client
        client = Client(url=URL)
        client.connect()
        before = client.execute("SELECT CONNECTION_ID()").scalar()
        child = os.fork()
        if not child:
            own = client.execute("SELECT CONNECTION_ID()").scalar()
            client.disconnect()
            os._exit(0 if own != before else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert client.execute("SELECT CONNECTION_ID()").scalar() == before
        client.disconnect()
        """
    run(code, matrixone_url)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_fork_in_the_middle_of_traffic(matrixone_url, database):
    """While a statement runs, and in a session: the parent goes on, and the child does not touch either."""
    code = """
        import gc, os, signal, sys, threading
        from sqlalchemy import text
        from sqlalchemy.exc import OperationalError
        from matrixone import Client, errors
        client = Client(url=URL, database="DATABASE")
        client.connect()
        client.execute("CREATE TABLE t (i INT)")
        answers = []

        def ask():
            answers.append(client.execute("SELECT SLEEP(3)").scalar())

        def in_child():
            try:
                session.execute(text("SELECT 1"))
            except OperationalError as error:
                assert "forked from" in str(error), error
            session.rollback()
            session.close()
            try:
                another.commit()
            except errors.TransactionAborted as error:
                assert "closed" in str(error), error
            another.close()
            gc.collect()
            assert client.execute("SELECT CONNECTION_ID()").scalar() not in ids
            client.disconnect()
            gc.collect()

        session, another = client.session(), client.session()
        ids = [one.execute(text("SELECT CONNECTION_ID()")).scalar() for one in (session, another)]
        for one in (session, another):
            one.execute(text("INSERT INTO t VALUES (1)"))
        thread = threading.Thread(target=ask)
        thread.start()
        while not client.execute(SLEEPERS).all():
            pass
        child = os.fork()
        if not child:
            signal.alarm(30)  # it is not left behind
            try:
                in_child()
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        thread.join()
        assert len(answers) == 1
        for one, before in zip((session, another), ids):
            assert one.execute(text("SELECT CONNECTION_ID()")).scalar() == before
            one.commit()
            one.close()
        assert client.execute("SELECT count(*) FROM t").scalar() == 2
        client.disconnect()
        """
    run(code.replace("DATABASE", database), matrixone_url)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_fork_under_asyncio(matrixone_url, database):
    """Both processes have one selector: what the child closes there, the parent would never hear of again."""
    code = """
        import asyncio, gc, os, signal, sys
        from sqlalchemy import text
        from sqlalchemy.exc import OperationalError
        from matrixone import AsyncClient, errors

        async def in_child(client, session, ids):
            asyncio.get_running_loop().slow_callback_duration = 60
            for call in (lambda: client.execute("SELECT 1"), client.stage.list):
                try:
                    await call()
                except errors.WrongEventLoop as error:
                    assert "forked" in str(error), error
                else:
                    raise AssertionError
            try:
                await session.execute(text("SELECT 1"))
            except OperationalError as error:
                assert "forked from" in str(error), error
            await session.close()
            gc.collect()
            await client.connect()
            assert (await client.execute("SELECT CONNECTION_ID()")).scalar() not in ids
            await client.disconnect()
            gc.collect()

        async def main():
            asyncio.get_running_loop().slow_callback_duration = 60  # the fork takes as long as it takes
            client = AsyncClient(url=URL, database="DATABASE")
            await client.connect()
            await client.execute("CREATE TABLE t (i INT)")
            session = client.session()
            await session.execute(text("INSERT INTO t VALUES (1)"))
            ids = [(await session.execute(text("SELECT CONNECTION_ID()"))).scalar()]
            ids.append((await client.execute("SELECT CONNECTION_ID()")).scalar())
            slow = asyncio.ensure_future(client.execute("SELECT SLEEP(3)"))
            while not (await client.execute(SLEEPERS)).all():
                pass
            child = os.fork()
            if not child:
                signal.alarm(30)  # it is not left behind
                try:
                    asyncio.run(in_child(client, session, ids))
                except BaseException as error:
                    print(repr(error), file=sys.stderr, flush=True)
                    os._exit(1)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            async with asyncio.timeout(30):
                await slow
                assert (await session.execute(text("SELECT CONNECTION_ID()"))).scalar() == ids[0]
                await session.commit()
                await session.close()
                assert (await client.execute("SELECT count(*) FROM t")).scalar() == 1
                await client.disconnect()

        asyncio.run(main())
        """
    run(code.replace("DATABASE", database), matrixone_url)
