"""The fixture of these tests: what is delivered, made once."""

from collections.abc import Iterator

import pytest
from packaged import Packaged, shared


@pytest.fixture(scope="session")
def packaged(testrun_uid: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packaged]:
    """The wheel, the sdist, and the image of the Dockerfile, from a fresh checkout."""
    own = tmp_path_factory.getbasetemp()
    common = own if worker_id == "master" else own.parent
    with shared(testrun_uid, common / "packaged.lock") as made:
        yield made
