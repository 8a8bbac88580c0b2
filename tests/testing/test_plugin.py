"""The pytest plugin: small suites run by pytest itself, and what they and their reports show."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import served
from suites import DIGESTS, INI, UNUSED, noted, section
from support import copy_of_tiny

from sandbox.testing import Sandbank
from sandbox.testing.naming import another, sandbox_id_of, seed_of

pytest_plugins = ["pytester"]

TOKEN = "a-token-for-the-control-plane"


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every suite has our configuration file, and shares a cache: pytester gives each a home of its own."""
    monkeypatch.setenv("SANDBANK_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "images"))
    pytester.makeini(INI)


def failure(result: pytest.RunResult) -> str:
    result.assert_outcomes(errors=1)
    return result.stdout.str()


def test_every_test_has_a_fresh_bank_that_is_gone_afterwards(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        seen = []

        def test_first(bank, sandbank):
            assert sandbank.request("GET", "/_sandbox/sandboxes").json()["items"][1:]
            seen.append((bank.digest(), bank.id))
            bank.login("fatima")
            assert bank.digest() != seen[0][0]

        def test_second(bank, sandbank):
            ids = [found["id"] for found in sandbank.request("GET", "/_sandbox/sandboxes").json()["items"]]
            assert ids == ["default", bank.id]
            assert bank.digest() == seen[0][0]
            assert bank.id != seen[0][1]
            assert sandbank.bank().digest() == bank.digest()
            assert (bank.url, bank.sandbank) == (f"{sandbank.url}/s/{bank.id}", sandbank)
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


def test_seeds_derive_from_node_ids_alone() -> None:
    assert seed_of("tests/test_a.py::test_one[2-x]") == 857706313683512
    assert seed_of("tests/test_a.py::test_one[2-x]", base=1) == 5648856384972902
    assert sandbox_id_of("tests/test_a.py::test_one[2-x]") == "test-one-2-x-9fef99f0c5"


def test_ids_are_short_clean_and_different() -> None:
    ids = [sandbox_id_of(f"t.py::test_{name}") for name in ("x" * 200, "x" * 201, "راتب", "a b", "a-b", "A_B", "")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name) for name in ids)
    assert another("a" * 63, 12) == "a" * 60 + "-12"


def test_the_marker_says_which_seed_time_and_ecosystem(pytester: pytest.Pytester) -> None:
    copy_of_tiny(pytester.path / "banks" / "mine")
    pytester.makepyfile("""
        import pytest

        pytestmark = pytest.mark.sandbank(seed=1)

        def test_module(bank):
            assert bank.seed == 1

        @pytest.mark.sandbank(seed=2, ecosystem="banks/mine")
        def test_own(bank, sandbank):
            assert bank.seed == 2
            assert bank.origin == "ecosystem:mine"
            assert bank.sandbank is not sandbank
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


def test_the_configuration_file_says_it_for_all(pytester: pytest.Pytester) -> None:
    copy_of_tiny(pytester.path / "banks" / "mine")
    mine = INI.replace("= tiny", "= banks/mine")
    pytester.makeini(f"{mine}sandbank_seed = 5\nsandbank_set =\n    lock-minutes = 0\n")
    pytester.makepyfile("""
        import pytest
        from sandbox.testing.naming import seed_of

        def test_it(bank, request):
            assert bank.origin == "ecosystem:mine"
            assert bank.seed == seed_of(request.node.nodeid, base=5) != seed_of(request.node.nodeid)
            for _ in range(6):
                answer = bank.post("/v1/auth/login", json={"username": "fatima", "password": "wrong"})
            assert answer.json()["locked_until"] is None
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    pytester.makepyfile("""
        def test_it(bank, request):
            from sandbox.testing.naming import seed_of
            assert bank.origin == "ecosystem:tiny"
            assert bank.seed == seed_of(request.node.nodeid, base=6)
    """)
    result = pytester.runpytest_inprocess("--sandbank-ecosystem", "tiny", "--sandbank-seed", "6")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ('sandbank("tiny")', "takes ecosystem=NAME, seed=WHOLE NUMBER and now=INSTANT, not 'tiny'"),
        ("sandbank(sed=1)", "takes ecosystem=NAME, seed=WHOLE NUMBER and now=INSTANT, not sed"),
        ("sandbank(seed='1')", "seed is a whole number from 0 to 9007199254740991, not '1'"),
        ("sandbank(seed=-1)", "seed is a whole number from 0 to 9007199254740991, not -1"),
        ("sandbank(now=datetime.datetime(2026, 2, 1))", "has no time zone"),
        ("sandbank(now=3)", "or a datetime, not 3"),
        ("sandbank(ecosystem='atlantis')", "there is no folder 'atlantis' and no ecosystem of that name"),
        ("scenario()", "takes a name, and parameters by name"),
        ("scenario('low-balance', '1.000')", "takes a name, and parameters by name"),
    ],
)
def test_a_wrong_marker_is_one_clear_line(pytester: pytest.Pytester, marker: str, said: str) -> None:
    pytester.makepyfile(f"""
        import datetime, pytest

        @pytest.mark.{marker}
        def test_it(bank):
            raise AssertionError
    """)
    told = failure(pytester.runpytest_inprocess())
    assert said in told
    assert "Traceback" not in told
    assert "site-packages" not in told


def test_a_marker_on_a_test_without_a_bank_does_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.scenario("no-such-thing")
        def test_it():
            pass
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_scenarios_are_applied_as_one_reads_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from sandbox.testing.world import in_order

        pytestmark = [pytest.mark.scenario("one"), pytest.mark.scenario("two")]

        @pytest.mark.scenario("three")
        @pytest.mark.scenario("four")
        class TestAll:
            @pytest.mark.scenario("five")
            @pytest.mark.scenario("six")
            def test_it(self, request):
                names = [marker.args[0] for marker in in_order(request.node, "scenario")]
                assert names == ["one", "two", "three", "four", "five", "six"]
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize("now", ["", "@pytest.mark.sandbank(now='2026-02-01T08:00:00Z')"])
@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("scenario('no-such-thing')", "scenario_unknown: *no-such-thing*"),
        ("scenario('low-balance', balance='much')", "validation_failed: *balance*"),
        ("scenario('low-balance', ballance='1.000')", "validation_failed: *ballance*"),
        ("scenario('low-balance', user='nobody')", "*nobody*"),
    ],
)
def test_a_scenario_that_cannot_be_is_named(pytester: pytest.Pytester, now: str, marker: str, said: str) -> None:
    pytester.makepyfile(
        test_it=f"""
        import pytest

        {now}
        @pytest.mark.{marker}
        def test_it(bank):
            raise AssertionError

        def test_nothing_is_left(sandbank):
            assert len(sandbank.request("GET", "/_sandbox/sandboxes").json()["items"]) == 1
    """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([f"{said} (POST /_sandbox/* -> 4??)", "Sandbank made no bank for test_it.py::test_it."])
    reason = said.removeprefix("*nobody").partition(":")[0].strip("*") or "validation_failed"
    result.stdout.fnmatch_lines([f"ERROR test_it.py::test_it - Failed: {reason}: *"])
    result.stdout.no_fnmatch_line("*another exception occurred*")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sandbank-set", "lock_minuts=1"], "--lock-minuts: no such setting; did you mean --lock-minutes?"),
        (["--sandbank-set", "lock_minutes=soon"], '--lock-minutes: "soon" is not allowed'),
        (["--sandbank-set", "strict"], "'strict' is no setting; write NAME=VALUE"),
        (["--sandbank-ecosystem", "atlantis"], "there is no folder 'atlantis'"),
        (["--sandbank-url", "http://127.0.0.1:1"], "no Sandbank answers at http://127.0.0.1:1"),
        (["--sandbank-url", "localhost"], "'localhost' is no address of a server"),
        (
            ["--sandbank-url", "http://127.0.0.1:1", "--sandbank-set", "strict=true"],
            "a running server takes no settings",
        ),
        (["--sandbank-keep"], "--sandbank-keep needs --sandbank-url"),
    ],
)
def test_a_wrong_option_is_one_clear_line(pytester: pytest.Pytester, options: list[str], said: str) -> None:
    pytester.makepyfile("def test_it(bank): pass")
    told = failure(pytester.runpytest_inprocess(*options))
    assert f"Sandbank: {said}" in told
    assert "Traceback" not in told


def test_an_ecosystem_that_breaks_a_rule_says_which(pytester: pytest.Pytester) -> None:
    folder = copy_of_tiny(pytester.path / "mine")
    (folder / "accounts.json").write_text("[", encoding="utf-8")
    pytester.makepyfile("def test_it(bank): pass")
    told = failure(pytester.runpytest_inprocess("--sandbank-ecosystem", "mine"))
    assert "nothing was loaded" in told
    assert "accounts.json" in told


def test_a_seed_of_the_file_that_is_no_number_is_said(pytester: pytest.Pytester) -> None:
    pytester.makeini(f"{INI}sandbank_seed = many\n")
    pytester.makepyfile("def test_it(bank): pass")
    assert "sandbank_seed is a whole number, not 'many'" in failure(pytester.runpytest_inprocess())


FAILING = """
def test_it_fails(bank):
    someone = bank.login("fatima")
    current, savings = someone.accounts()[:2]
    someone.refresh()
    someone.transfer(current, savings, "1.250", reference="it's \\"quoted\\" $HOME")
    someone.patch(f"/v1/accounts/{current.account_id}", json={"nickname": "راتب"})
    bank.scenario("second-factor", user="arjun")
    bank.clock.advance("PT5M")
    assert bank.login("arjun").get("/v1/accounts/x").ok
"""


def test_a_failed_test_says_which_bank_it_had(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAILING)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    told = section(result)
    node_id = "test_a_failed_test_says_which_bank_it_had.py::test_it_fails"
    assert f"sandbox        {sandbox_id_of(node_id)}" in told
    assert f"seed           {seed_of(node_id)}" in told
    assert re.search(r"^digest +[0-9a-f]{64}$", told, re.MULTILINE)
    assert re.search(r"^business time +2026-01-15T09:05:00\.\d{3}Z$", told, re.MULTILINE)
    assert "  GET /v1/accounts/x -> 404 not_found\n" in told
    assert "  POST /_sandbox/messages/wait -> 200\n" in told
    assert '"$URL"/_sandbox/messages/wait' not in told
    assert "  sandbank serve tiny --transport-clock virtual\n" in told


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash")
def test_the_commands_of_a_report_lead_to_the_same_bank(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAILING)
    told = section(pytester.runpytest_inprocess())
    digest = re.search(r"^digest +(\w+)$", told, re.MULTILINE)
    assert digest is not None
    script = "set -e\n" + told.partition("into another shell:\n")[2].partition("\n\n")[2]
    with served.serve("--transport-clock", "virtual") as server:
        ran = subprocess.run(
            ["bash", "-c", script.replace("http://127.0.0.1:8000", server.url)],
            env=os.environ | {"no_proxy": "*"},
            check=True,
            capture_output=True,
            timeout=60,
        )
        answers = ran.stdout.decode()
        assert '"transfer_id"' in answers
        assert '"status":4' not in answers
        with Sandbank(server.url) as sandbank:
            assert (
                sandbank.bank(
                    sandbox_id_of("test_the_commands_of_a_report_lead_to_the_same_bank.py::test_it_fails")
                ).digest()
                == digest[1]
            )


def test_a_fixture_that_fails_says_so_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.fixture
        def rich(bank):
            fatima = bank.login("fatima")
            fatima.withdraw(fatima.accounts()[0], "99999.000")

        def test_it(rich):
            raise AssertionError
    """)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    assert "  POST /v1/withdrawals -> 422 insufficient_funds\n" in section(result)


def test_a_test_that_passes_or_has_no_bank_reports_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_ok(bank): pass\ndef test_bad(): assert False")
    result = pytester.runpytest_inprocess("-rA")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*- sandbank -*")


def test_books_are_checked_after_each_test_where_asked(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest
        from sandbox.testing import Bank
        from sandbox.testing.views import Check, Invariants

        @pytest.fixture
        def tampered(monkeypatch):
            broken = Invariants(ok=False, checks=[Check(name="debits_equal_credits", ok=False, detail="off by 1")])
            monkeypatch.setattr(Bank, "invariants", lambda _: broken)
    """)
    pytester.makepyfile("""
        def test_sound(bank):
            bank.login("fatima")

        def test_broken(tampered, bank):
            pass

        def test_all_are_gone(sandbank):
            assert len(sandbank.request("GET", "/_sandbox/sandboxes").json()["items"]) == 1
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=3)
    result = pytester.runpytest_inprocess("--sandbank-check")
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        ["*InvariantBrokenError: the books of test-broken-* are broken:", "*debits_equal_credits: off by 1"]
    )
    pytester.makeini(f"{INI}sandbank_check = true\n")
    pytester.runpytest_inprocess().assert_outcomes(passed=3, errors=1)


def test_a_running_server_is_used_with_its_token(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("""
        def test_it(bank, sandbank):
            assert not sandbank.is_own
            assert bank.login("fatima").accounts()
            bank.check()
    """)
    with served.serve(SANDBANK_CONTROL_TOKEN=TOKEN) as server:
        told = failure(pytester.runpytest_inprocess("--sandbank-url", server.url))
        assert "control_token_required: " in told
        given = ["--sandbank-url", server.url, "--sandbank-control-token", TOKEN]
        pytester.runpytest_inprocess(*given).assert_outcomes(passed=1)
        monkeypatch.setenv("SANDBANK_CONTROL_TOKEN", TOKEN)
        pytester.makeini(f"{INI}sandbank_url = {server.url}/\n")
        pytester.runpytest_inprocess().assert_outcomes(passed=1)
        with Sandbank(server.url, control_token=TOKEN) as sandbank:
            assert [item["id"] for item in sandbank.request("GET", "/_sandbox/sandboxes").json()["items"]] == [
                "default"
            ]


def test_failed_banks_stay_where_asked_and_runs_do_not_collide(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_bad(bank): assert not bank.login('fatima')\ndef test_ok(bank): pass")
    with served.serve() as server, Sandbank(server.url) as sandbank:
        for _ in range(2):
            result = pytester.runpytest_inprocess("--sandbank-url", server.url, "--sandbank-keep")
            result.assert_outcomes(passed=1, failed=1)
        ids = [item["id"] for item in sandbank.request("GET", "/_sandbox/sandboxes").json()["items"]]
        kept = sandbox_id_of("test_failed_banks_stay_where_asked_and_runs_do_not_collide.py::test_bad")
        assert ids == ["default", kept, f"{kept}-2"]
        assert sandbank.bank(kept).digest() == sandbank.bank(f"{kept}-2").digest()


def test_eight_workers_see_and_report_what_one_process_does(pytester: pytest.Pytester) -> None:
    """Groups among them: `--dist loadgroup` adds their names to node ids."""
    pytester.makepyfile(test_worlds_of_workers=DIGESTS, test_failing=FAILING)
    alone = pytester.runpytest_inprocess("-p", "no:xdist")
    alone.assert_outcomes(passed=16, failed=1)
    facts = noted(pytester.path)
    assert len(facts) == 16
    assert len({str(fact) for fact in facts.values()}) == 16
    spread = pytester.runpytest_subprocess(*UNUSED, "-n", "8", "--dist", "loadgroup")
    spread.assert_outcomes(passed=16, failed=1)
    assert "8 workers" in spread.stdout.str()
    assert noted(pytester.path) == facts
    assert section(spread) == section(alone)


def test_the_order_of_tests_and_the_directory_do_not_matter(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.mkpydir("inner").joinpath("test_inner.py").write_text(DIGESTS, encoding="utf-8")
    pytester.runpytest_inprocess().assert_outcomes(passed=16)
    whole = noted(pytester.path)
    monkeypatch.chdir(pytester.path / "inner")
    pytester.runpytest_inprocess("test_inner.py::TestGroup", "test_inner.py::test_one[3]").assert_outcomes(passed=5)
    some = noted(pytester.path)
    assert len(some) == 5
    assert some.items() <= whole.items()


def test_folders_of_the_command_line_may_be_named_from_where_one_is(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = pytester.mkdir("inner")
    copy_of_tiny(inner / "mine")
    Path(inner, "test_it.py").write_text("def test_it(bank): assert bank.origin == 'ecosystem:mine'", encoding="utf-8")
    monkeypatch.chdir(inner)
    pytester.runpytest_inprocess("--sandbank-ecosystem", "mine").assert_outcomes(passed=1)
