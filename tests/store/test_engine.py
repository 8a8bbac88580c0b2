"""Connections: each to its own copy, whoever else is making one."""

import hashlib
import subprocess
import sys
import threading

from sandbox.store.engine import connect, disconnect, driver, serialize

COMPILE = """
import hashlib
from support import tiny_image
print(hashlib.sha256(tiny_image().data).hexdigest())
"""


def test_threads_that_connect_at_once_get_their_own_databases() -> None:
    mixed: list[int] = []
    before = sys.getswitchinterval()

    def make(number: int) -> None:
        for _ in range(150):
            db = connect()
            driver(db).execute("CREATE TABLE mine (number INTEGER)")
            driver(db).execute("INSERT INTO mine VALUES (?)", (number,))
            copy = connect(serialize(db))
            if driver(copy).execute("SELECT number FROM mine").fetchall() != [(number,)]:
                mixed.append(number)
            disconnect(copy)
            disconnect(db)

    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert mixed == []


def test_the_same_ecosystem_compiles_to_the_same_bytes_in_every_process() -> None:
    from support import tiny_image  # noqa: PLC0415 - the children import it too

    runs = {
        subprocess.run(
            [sys.executable, "-c", COMPILE],
            env={"PYTHONPATH": "tests:.", "PYTHONHASHSEED": seed, "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2", "3", "4")
    }
    assert runs == {hashlib.sha256(tiny_image().data).hexdigest()}
