"""The plugin costs nothing where it is not used: it loads no library, starts nothing and says nothing."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

HEAVY = (
    "argon2", "cryptography", "http.client", "jwt", "litestar", "msgspec", "sandbox.app", "sandbox.core", "sqlalchemy",
    "uvicorn", "yaml", "zstandard",
)  # fmt: skip

LOADED_BY_PLUGIN = """
import sys
import pytest
before = set(sys.modules)
import sandbox.testing.plugin
print(*sorted(set(sys.modules) - before))
"""


def loaded_by(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.split()


def test_the_plugin_loads_nothing_but_itself() -> None:
    assert loaded_by(LOADED_BY_PLUGIN) == ["sandbox", "sandbox.testing", "sandbox.testing.plugin"]


def test_the_client_loads_no_server() -> None:
    loaded = set(loaded_by("import sys\nfrom sandbox.testing import Bank, Sandbank\nprint(*sys.modules)"))
    assert "sandbox.testing.sandbank" in loaded
    assert not loaded & {"litestar", "sqlalchemy", "uvicorn", "sandbox.app", "sandbox.core", "httpx", "pytest"}


def test_a_suite_without_banks_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n")
    pytester.makeconftest(f"""
        import sys, threading

        def pytest_sessionfinish(session):
            heavy = [name for name in {HEAVY!r} if name in sys.modules and name != "http.client"]
            assert not heavy, heavy
            assert not [thread for thread in threading.enumerate() if thread.name == "sandbank"]
    """)
    pytester.makepyfile("""
        import pytest

        @pytest.fixture
        def bank():
            return "the suite's own"

        def test_it(bank, request):
            assert bank == "the suite's own"
            assert request.fixturenames[-1:] != ["sandbank"]
            assert "sandbank" not in request.fixturenames

        @pytest.mark.scenario("anything at all", 1, 2)
        def test_marked():
            pass
    """)
    options = [
        part
        for name in ("asyncio", "hypothesispytest", "schemathesis", "anyio", "faker")
        for part in ("-p", f"no:{name}")
    ]
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=2)
    said = [line for line in result.stdout.lines if "sandbank" in line.lower() and not line.startswith("plugins: ")]
    assert not said


@pytest.mark.parametrize("name", ["Nobody", "plugin_of_nobody"])
def test_an_unknown_name_is_an_ordinary_error(name: str) -> None:
    import sandbox.testing  # noqa: PLC0415

    with pytest.raises(AttributeError, match=f"module 'sandbox.testing' has no attribute '{name}'"):
        getattr(sandbox.testing, name)


def test_every_name_of_the_package_is_there() -> None:
    import sandbox.testing  # noqa: PLC0415

    assert sorted(sandbox.testing._HOMES) == sorted(sandbox.testing.__all__)
    assert all(getattr(sandbox.testing, name).__name__ == name for name in sandbox.testing.__all__)
