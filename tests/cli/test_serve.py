"""`sandbank serve` as a child process: what it prints, what it refuses, and how it ends."""

import json
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import sandbank, serving_process
from support import PASSWORDS, TINY, copy_of_tiny, edit

from sandbox import __version__
from sandbox.cli.serve import counted
from sandbox.core.settings import describe

JSON = ("--json", "--port", "0")


def test_the_banner_says_where_to_go_who_may_sign_in_and_what_to_try(tmp_path: Path) -> None:
    with serving_process("--port", "0", home=tmp_path) as server:
        lines = server.until("curl -s -X POST")
        assert lines[0] == f"Sandbank {__version__}: One Kuwaiti family and their tenant"
        text = "\n".join(lines)
        found = re.search(r"http://127\.0\.0\.1:(\d+) +business time 2026-01-15T09:00:00\.000Z", text)
        assert found
        for username, password in PASSWORDS.items():
            assert re.search(rf"{username} +{re.escape(password)} +\w+ +active", text)
        assert re.search(r"yousef .* locked", text)
        assert "control plane asks" not in text
        url = f"http://127.0.0.1:{found[1]}"
        assert httpx.get(f"{url}/_sandbox/info").json()["name"] == "sandbank"
        assert f"{url}/v1/auth/login" in text
        assert f"  {url}/docs   the API, to read and to try out" in lines
        assert httpx.get(f"{url}/docs").headers["content-type"].startswith("text/html")


def test_the_banner_says_what_the_run_as_a_whole_was_told(tmp_path: Path) -> None:
    folder = str(tmp_path / "kept")
    with serving_process("--port", "0", "--read-only", "--delay", "20", "--data-dir", folder, home=tmp_path) as server:
        text = "\n".join(server.until("curl -s -X POST"))
        assert "  read-only: GET, HEAD, dry runs and sign-in are answered" in text
        assert "  every answer of the bank and data planes waits 20 ms" in text
        assert f"  from {folder}: 0 sandboxes, 0 snapshots" in text


@pytest.mark.parametrize(("number", "told"), [(0, "0 snapshots"), (1, "1 snapshot"), (2, "2 snapshots")])
def test_what_came_back_is_counted_in_plain_words(number: int, told: str) -> None:
    assert counted(number, "snapshot", "snapshots") == told


def test_the_ready_line_is_one_line_of_json(tmp_path: Path) -> None:
    with serving_process(*JSON, home=tmp_path) as server:
        ready = json.loads(server.line())
        assert set(ready) == {"url", "version", "ecosystem", "digest", "business_time", "logins"}
        assert ready["version"] == __version__
        with httpx.Client(base_url=ready["url"]) as client:
            info = client.get("/_sandbox/info").json()
            assert info["digest"] == ready["digest"]
            assert info["logins"] == ready["logins"]
            body = {"username": "fatima", "password": PASSWORDS["fatima"]}
            answer = client.post("/v1/auth/login", json=body)
            assert answer.status_code == 200
            assert "server" not in answer.headers or "Python" not in answer.headers["server"]
            bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
            assert len(client.get("/v1/accounts", headers=bearer).json()["items"]) == 3
        code, out, err = server.stop()
        assert (code, out, err) == (0, "", "")


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, with_signal: signal.Signals) -> None:
    with serving_process(*JSON, home=tmp_path) as server:
        url = json.loads(server.line())["url"]
        assert httpx.get(f"{url}/_sandbox/health").status_code == 200
        code, _, err = server.stop(with_signal)
        assert "Traceback" not in err
        assert code == 0


def test_two_servers_pick_ports_of_their_own(tmp_path: Path) -> None:
    with serving_process(*JSON, home=tmp_path) as one, serving_process(*JSON, home=tmp_path) as two:
        first, second = json.loads(one.line()), json.loads(two.line())
        assert first["url"] != second["url"]
        assert first["digest"] == second["digest"]


def test_a_taken_port_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = sandbank("serve", "--port", str(port), home=tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "--port 0" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_broken_ecosystem_names_every_fault_and_serves_nothing(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "broken")

    def misshape(rows: list[dict[str, Any]]) -> None:
        rows[0]["balance"] = "1.2345"
        rows[1]["status"] = "HAPPY"
        rows[2]["nickname"] = 7

    def misname(rows: list[dict[str, Any]]) -> None:
        rows[0]["balance"], rows[1]["status"], rows[2]["nickname"] = "2547.440", "ACTIVE", "Everyday wallet"
        rows[1]["account_id"] = rows[2]["account_id"]
        rows[3]["customer_id"] = "00000000-0000-0000-0000-000000000000"

    edit(folder, "accounts", misshape)
    assert_named(sandbank("serve", str(folder), "--port", "0", home=tmp_path), "balance", "status", "nickname")
    edit(folder, "accounts", misname)
    assert_named(sandbank("serve", str(folder), "--port", "0", home=tmp_path), "account_id", "customer_id")


def assert_named(ended: subprocess.CompletedProcess[str], *fields: str) -> None:
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("accounts.json") >= len(fields)
    for word in (*fields, "nothing was loaded"):
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_broken_json_in_an_ecosystem_names_the_file_and_the_line(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "broken")
    (folder / "customers.json").write_text('[\n{"customer_id": }\n]', encoding="utf-8")
    ended = sandbank("serve", str(folder), "--port", "0", home=tmp_path)
    assert ended.returncode == 2
    assert "customers.json" in ended.stderr
    assert "line 2" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "http"], ["--port", "whole number"]),
        (["--port", "70000"], ["--port", "65535"]),
        (["--seed", "-1"], ["--seed"]),
        (["--transport-clock", "sundial"], ["--transport-clock", "virtual"]),
        (["--cors", "not an origin"], ["--cors"]),
        (["--port", "x", "--seed", "y"], ["--port", "--seed"]),
        (["--surprise"], ["--surprise"]),
        (["nowhere"], ["nowhere", "tiny"]),
        (["tiny", "more"], ["more"]),
        (["tiny", "--ecosystem", "tiny"], ["name the ecosystem once"]),
        (["--host", "no.such.host.invalid"], ["no.such.host.invalid"]),
    ],
)
def test_a_mistake_is_one_clear_message_and_exit_code_2(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    ended = sandbank("serve", *arguments, home=tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in ended.stderr


def test_settings_come_from_the_environment_too_and_flags_win(tmp_path: Path) -> None:
    variables = {"SANDBANK_PORT": "0", "SANDBANK_SEED": "5", "SANDBANK_STRICT": "true"}
    with serving_process("--json", "--seed", "6", home=tmp_path, variables=variables) as server:
        url = json.loads(server.line())["url"]
        assert httpx.get(f"{url}/_sandbox/info").json()["seed"] == 6
        assert httpx.get(f"{url}/v1/accounts").json()["code"] == "sandbox_required"


def test_a_misspelt_variable_is_a_mistake(tmp_path: Path) -> None:
    ended = sandbank("serve", "--port", "0", home=tmp_path, variables={"SANDBANK_PROT": "1"})
    assert ended.returncode == 2
    assert "SANDBANK_PROT" in ended.stderr


def test_settings_come_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "sandbank.toml").write_text("port = 0\nseed = 8\n", encoding="utf-8")
    with serving_process("--json", home=tmp_path) as server:
        url = json.loads(server.line())["url"]
        assert httpx.get(f"{url}/_sandbox/info").json()["seed"] == 8


def test_off_loopback_a_control_token_is_made_and_printed(tmp_path: Path) -> None:
    with serving_process("--host", "0.0.0.0", *JSON, home=tmp_path) as server:
        ready = json.loads(server.line())
        token = ready["control_token"]
        assert len(token) >= 16
        url = f"http://127.0.0.1:{ready['url'].rpartition(':')[2]}"
        refused = httpx.get(f"{url}/_sandbox/info")
        assert (refused.status_code, refused.json()["code"]) == (401, "control_token_required")
        headers = {"sandbank-control-token": token}
        assert httpx.get(f"{url}/_sandbox/info", headers=headers).status_code == 200
        assert httpx.get(f"{url}/_sandbox/health").status_code == 200
    with serving_process("--host", "0.0.0.0", "--port", "0", home=tmp_path) as server:
        text = "\n".join(server.until("curl -s -X POST"))
        made = re.search(r"The control plane asks for this token: (\S+)", text)
        assert made
        assert made[1] != token, "it is really random"
        assert text.count(made[1]) >= 3, "the commands to try carry it"


def test_a_token_that_was_set_is_kept(tmp_path: Path) -> None:
    variables = {"SANDBANK_CONTROL_TOKEN": "a-token-of-sixteen-characters"}
    with serving_process(*JSON, home=tmp_path, variables=variables) as server:
        url = json.loads(server.line())["url"]
        assert httpx.get(f"{url}/_sandbox/info").status_code == 401


def test_a_folder_is_served_by_its_path(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "mine")

    def rename(rows: list[dict[str, Any]]) -> None:
        rows[0]["nickname"] = "Mine"

    edit(folder, "accounts", rename)
    with serving_process("mine", *JSON, home=tmp_path) as server:
        ready = json.loads(server.line())
        login = {"username": "fatima", "password": PASSWORDS["fatima"]}
        tokens = httpx.post(f"{ready['url']}/v1/auth/login", json=login).json()
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        assert httpx.get(f"{ready['url']}/v1/accounts", headers=bearer).json()["items"][0]["nickname"] == "Mine"


def test_a_second_start_reads_the_compiled_image_and_says_the_same(tmp_path: Path) -> None:
    digests = []
    for _ in range(2):
        with serving_process(*JSON, home=tmp_path) as server:
            digests.append(json.loads(server.line())["digest"])
    assert digests[0] == digests[1]
    assert list((tmp_path / "cache" / "sandbank").iterdir())


def test_odd_bytes_on_the_wire_get_an_answer_and_leave_the_server_well(tmp_path: Path) -> None:
    with serving_process(*JSON, home=tmp_path) as server:
        url = json.loads(server.line())["url"]
        port = int(url.rpartition(":")[2])
        for raw in (
            b"GET /v1/accounts/%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"GET /v1/accounts/\xff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"GET /v1/accounts?%00=%ff HTTP/1.1\r\nHost: \xff\xfe\r\nConnection: close\r\n\r\n",
            b"GET //v1/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\r\nConnection: close\r\n\r\n",
            b"GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"GET http://evil.example/_sandbox/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"GET /" + b"x" * 60_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"nonsense\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
                wire.sendall(raw)
                answer = b""
                while piece := wire.recv(65536):
                    answer += piece
            assert answer.startswith(b"HTTP/1.1 "), raw[:60]
            status = int(answer[9:12])
            assert 200 <= status < 500, (raw[:60], answer[:300])
        assert httpx.get(f"{url}/_sandbox/health").status_code == 200
        code, _, err = server.stop()
        assert code == 0
        assert "Traceback" not in err


def test_every_setting_is_an_option_with_its_words(tmp_path: Path) -> None:
    ended = sandbank("serve", "--help", home=tmp_path)
    assert ended.returncode == 0
    for info in describe():
        assert info.flag in ended.stdout
    for flag in ("--host", "--port", "--seed", "--transport-clock", "--strict", "--cors", "--json"):
        assert flag in ended.stdout
    assert TINY.is_dir()
