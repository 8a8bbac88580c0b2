"""Settings: where values come from, what every fault says, what stays hidden; and their page in the docs."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.settings import (
    Resolved,
    SettingInfo,
    Settings,
    SettingsError,
    cache_folder,
    describe,
    flag_name,
    load,
    variable_name,
)

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"
TOKEN = "0123456789abcdef"
EVERY_SETTING = [info.name for info in describe()]

# What a settings file may say, other than the defaults.
UNUSUAL = {
    "ecosystem": '"my-bank"',
    "host": '"::"',
    "port": "0",
    "seed": "42",
    "transport_clock": '"virtual"',
    "clock": '"live"',
    "as_of": '"now"',
    "strict": "true",
    "cors": '["*"]',
    "allowed_hosts": '["bank"]',
    "control_token": f'"{TOKEN}"',
    "password_cost": '"production"',
    "default_password": '"p"',
    "lock_minutes": "0",
    "code_minutes": "10",
    "access_token_seconds": "60",
    "refresh_token_seconds": "61",
    "hold_days": "1",
    "max_sandboxes": "1",
    "max_snapshots": "1",
    "max_awake": "1",
    "warm_copies": "0",
    "cache_dir": '"cache"',
    "image_cache": "false",
    "scenarios_dir": '"my-scenarios"',
    "data_dir": '"data"',
    "durability": '"write"',
    "watch": "true",
    "read_only": "true",
    "delay": '"250ms"',
    "max_body_bytes": "1024",
    "max_import_bytes": "1024",
    "log_level": '"debug"',
    "log_format": '"json"',
}


def resolve(
    *,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Resolved:
    return load(flags=flags or {}, environ=environ or {}, file=file)


def faults(
    *,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        resolve(flags=flags, environ=environ, file=file)
    return list(caught.value.faults)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """Where the working directory's settings file would be."""
    return tmp_path / "sandbank.toml"


class TestPrecedence:
    def test_without_any_source_every_setting_has_its_default(self) -> None:
        resolved = resolve()
        assert resolved.settings == Settings()
        assert resolved.sources == dict.fromkeys(EVERY_SETTING, "default")

    def test_every_default_is_a_value_that_may_be_set(self) -> None:
        written = msgspec.to_builtins(Settings())
        assert msgspec.convert(written, type=Settings) == Settings()

    def test_the_file_wins_over_the_default(self, toml: Path) -> None:
        toml.write_text("port = 1")
        resolved = resolve(file=toml)
        assert (resolved.settings.port, resolved.sources["port"]) == (1, "sandbank.toml")

    def test_the_environment_wins_over_the_file(self, toml: Path) -> None:
        toml.write_text("port = 1")
        resolved = resolve(environ={"SANDBANK_PORT": "2"}, file=toml)
        assert (resolved.settings.port, resolved.sources["port"]) == (2, "SANDBANK_PORT")

    def test_a_flag_wins_over_the_environment_and_the_file(self, toml: Path) -> None:
        toml.write_text("port = 1")
        resolved = resolve(flags={"port": 3}, environ={"SANDBANK_PORT": "2"}, file=toml)
        assert (resolved.settings.port, resolved.sources["port"]) == (3, "--port")

    def test_each_setting_keeps_its_own_source(self, toml: Path) -> None:
        toml.write_text("port = 1\nhost = '0.0.0.0'")
        sources = resolve(flags={"strict": True}, environ={"SANDBANK_PORT": "2"}, file=toml).sources
        assert [sources[name] for name in ("host", "port", "strict", "seed")] == [
            "sandbank.toml",
            "SANDBANK_PORT",
            "--strict",
            "default",
        ]

    def test_a_flag_that_is_none_is_not_given(self) -> None:
        resolved = resolve(flags={"port": None}, environ={"SANDBANK_PORT": "2"})
        assert resolved.sources["port"] == "SANDBANK_PORT"

    def test_the_empty_tuple_of_an_absent_repeatable_flag_is_not_given(self) -> None:
        resolved = resolve(flags={"cors": ()}, environ={"SANDBANK_CORS": "*"})
        assert resolved.settings.cors == ("*",)

    def test_a_flag_may_say_false_to_a_true_of_the_environment(self) -> None:
        resolved = resolve(flags={"strict": False}, environ={"SANDBANK_STRICT": "true"})
        assert resolved.settings.strict is False

    def test_a_missing_settings_file_of_the_working_directory_is_fine(self, toml: Path) -> None:
        assert resolve(file=toml).settings == Settings()

    def test_sandbank_config_replaces_the_file_of_the_working_directory(self, toml: Path, tmp_path: Path) -> None:
        toml.write_text("port = 1\nhold_days = 1")
        other = tmp_path / "other.toml"
        other.write_text("port = 2")
        resolved = resolve(environ={"SANDBANK_CONFIG": str(other)}, file=toml)
        assert (resolved.settings.port, resolved.settings.hold_days) == (2, Settings().hold_days)
        assert resolved.sources["port"] == str(other)

    def test_variables_of_other_programs_are_none_of_our_business(self) -> None:
        assert resolve(environ={"PATH": "/bin", "SANDBANKER": "x", "sandbank_x": "y"}).settings == Settings()


class TestReading:
    @pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", " on "])
    def test_a_variable_says_yes_in_many_ways(self, text: str) -> None:
        assert resolve(environ={"SANDBANK_STRICT": text}).settings.strict is True

    @pytest.mark.parametrize("text", ["false", "0", "no", "off", "False"])
    def test_a_variable_says_no_in_many_ways(self, text: str) -> None:
        assert resolve(environ={"SANDBANK_IMAGE_CACHE": text}).settings.image_cache is False

    def test_a_variable_lists_with_commas(self) -> None:
        origins = "http://a.test, https://b.test:8443,http://[::1]:3000,capacitor://localhost,"
        assert resolve(environ={"SANDBANK_CORS": origins}).settings.cors == (
            "http://a.test",
            "https://b.test:8443",
            "http://[::1]:3000",
            "capacitor://localhost",
        )

    def test_an_empty_variable_is_an_empty_list(self, toml: Path) -> None:
        toml.write_text('cors = ["*"]')
        assert resolve(environ={"SANDBANK_CORS": ""}, file=toml).settings.cors == ()

    def test_a_list_in_the_file_is_an_array(self, toml: Path) -> None:
        toml.write_text('allowed_hosts = ["sandbank", "bank.ci.internal", "10.0.0.7", "[::1]"]')
        settings = resolve(file=toml).settings
        assert settings.allowed_hosts == ("sandbank", "bank.ci.internal", "10.0.0.7", "[::1]")

    def test_a_flag_may_still_be_a_text(self) -> None:
        settings = resolve(flags={"port": "0", "strict": "yes", "cors": ("http://a.test", "*")}).settings
        assert (settings.port, settings.strict, settings.cors) == (0, True, ("http://a.test", "*"))

    @given(st.integers(0, 2**63 - 1))
    def test_every_seed_reads_the_same_from_flag_and_variable(self, seed: int) -> None:
        from_variable = resolve(environ={"SANDBANK_SEED": str(seed)})
        assert from_variable.settings == resolve(flags={"seed": seed}).settings == Settings(seed=seed)

    def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(self, toml: Path) -> None:
        toml.write_bytes(b"\xef\xbb\xbfport = 1\r\nhold_days = 3\r\n")
        settings = resolve(file=toml).settings
        assert (settings.port, settings.hold_days) == (1, 3)

    def test_texts_are_taken_as_they_are(self) -> None:
        settings = resolve(environ={"SANDBANK_DEFAULT_PASSWORD": " كلمة, سر "}).settings
        assert settings.default_password == " كلمة, سر "

    def test_every_setting_can_be_set_from_every_source(self, toml: Path) -> None:
        toml.write_text("\n".join(f"{name} = {value}" for name, value in UNUSUAL.items()))
        texts = {name: value.strip('[]"') for name, value in UNUSUAL.items()}

        from_file = resolve(file=toml)
        from_environment = resolve(environ={variable_name(name): text for name, text in texts.items()})
        from_flags = resolve(flags=texts)

        assert from_file.settings == from_environment.settings == from_flags.settings
        assert [name for name in EVERY_SETTING if getattr(from_file.settings, name) == getattr(Settings(), name)] == []
        assert from_file.sources == dict.fromkeys(EVERY_SETTING, "sandbank.toml")
        assert from_environment.sources == {name: variable_name(name) for name in EVERY_SETTING}
        assert from_flags.sources == {name: flag_name(name) for name in EVERY_SETTING}


class TestUnknownNames:
    def test_a_misspelt_variable_is_answered_with_the_nearest_one(self) -> None:
        assert faults(environ={"SANDBANK_PROT": "1"}) == ["SANDBANK_PROT: no such setting; did you mean SANDBANK_PORT?"]

    def test_a_misspelt_sandbank_config_is_answered_with_the_right_name(self) -> None:
        assert faults(environ={"SANDBANK_CONFG": "x"}) == [
            "SANDBANK_CONFG: no such setting; did you mean SANDBANK_CONFIG?"
        ]

    def test_a_variable_in_mixed_case_is_answered_with_the_upper_case_one(self) -> None:
        assert faults(environ={"SANDBANK_Port": "1"}) == ["SANDBANK_Port: no such setting; did you mean SANDBANK_PORT?"]

    def test_a_name_like_no_other_is_answered_with_all_names(self) -> None:
        (fault,) = faults(environ={"SANDBANK_XYZZY": "1"})
        assert fault.startswith("SANDBANK_XYZZY: no such setting; there are SANDBANK_ECOSYSTEM, ")
        assert all(info.variable in fault for info in describe())

    def test_a_misspelt_key_of_the_file_is_answered_with_the_nearest_one(self, toml: Path) -> None:
        toml.write_text('transport-clock = "wall"')
        assert faults(file=toml) == ["sandbank.toml, transport-clock: no such setting; did you mean transport_clock?"]

    def test_a_table_of_the_file_is_an_unknown_key(self, toml: Path) -> None:
        toml.write_text("[ports]\nport = 1")
        assert faults(file=toml) == ["sandbank.toml, ports: no such setting; did you mean port?"]

    def test_an_unknown_flag_is_answered_with_the_nearest_one(self) -> None:
        assert faults(flags={"max_sandbox": 1}) == ["--max-sandbox: no such setting; did you mean --max-sandboxes?"]

    def test_the_value_of_an_unknown_name_is_not_repeated(self) -> None:
        assert "hunter2" not in str(faults(environ={"SANDBANK_CONTROLTOKEN": "hunter2"}))

    def test_a_name_with_a_line_break_stays_on_one_line(self, toml: Path) -> None:
        toml.write_text('"po\\nrt" = 1')
        assert faults(file=toml) == [r'sandbank.toml, "po\nrt": no such setting; did you mean port?']


class TestRefusedValues:
    @pytest.mark.parametrize(
        ("variable", "text", "fault"),
        [
            ("SANDBANK_PORT", "70000", "70000 is not allowed; use a whole number from 0 to 65535"),
            ("SANDBANK_PORT", "-1", "-1 is not allowed; use a whole number from 0 to 65535"),
            ("SANDBANK_PORT", "http", '"http" is not allowed; use a whole number from 0 to 65535'),
            ("SANDBANK_PORT", "8_000", '"8_000" is not allowed; use a whole number from 0 to 65535'),
            ("SANDBANK_PORT", "٨٠٠٠", '"٨٠٠٠" is not allowed; use a whole number from 0 to 65535'),
            ("SANDBANK_PORT", "8000.0", '"8000.0" is not allowed; use a whole number from 0 to 65535'),
            ("SANDBANK_PORT", "", '"" is not allowed; use a whole number from 0 to 65535'),
            (
                "SANDBANK_SEED",
                "9223372036854775808",
                "9223372036854775808 is not allowed; use a whole number from 0 to 9223372036854775807",
            ),
            ("SANDBANK_STRICT", "maybe", '"maybe" is not allowed; use true or false'),
            ("SANDBANK_STRICT", "", '"" is not allowed; use true or false'),
            ("SANDBANK_TRANSPORT_CLOCK", "sun", '"sun" is not allowed; use virtual or wall'),
            ("SANDBANK_PASSWORD_COST", "Sandbox", '"Sandbox" is not allowed; use production or sandbox'),
            ("SANDBANK_ECOSYSTEM", "", '"" is not allowed; use a folder or a name'),
            ("SANDBANK_HOST", "http://x", '"http://x" is not allowed; use a host name or IP address'),
            ("SANDBANK_CACHE_DIR", "a\nb", r'"a\nb" is not allowed; use a folder'),
            ("SANDBANK_CACHE_DIR", "a\udcff", r'"a\udcff" is not allowed; use a folder'),
            ("SANDBANK_DELAY", "-1", '"-1" is not allowed; use milliseconds such as 300, or 2s or PT0.25S'),
            ("SANDBANK_DELAY", "0.3", '"0.3" is not allowed; use milliseconds such as 300, or 2s or PT0.25S'),
            ("SANDBANK_HOLD_DAYS", "0", "0 is not allowed; use a whole number from 1 to 365"),
        ],
    )
    def test_a_wrong_variable_is_named_with_what_is_allowed(self, variable: str, text: str, fault: str) -> None:
        assert faults(environ={variable: text}) == [f"{variable}: {fault}"]

    @pytest.mark.parametrize(
        ("line", "fault"),
        [
            ('port = "8000"', 'port: "8000" is not allowed; use a whole number from 0 to 65535'),
            ("port = true", "port: true is not allowed; use a whole number from 0 to 65535"),
            ("port = 8000.0", "port: 8000.0 is not allowed; use a whole number from 0 to 65535"),
            ("port = 2026-01-01", 'port: "2026-01-01" is not allowed; use a whole number from 0 to 65535'),
            ("strict = 1", "strict: 1 is not allowed; use true or false"),
            ('strict = "yes"', 'strict: "yes" is not allowed; use true or false'),
            ("ecosystem = 5", "ecosystem: 5 is not allowed; use a folder or a name"),
            ("[host]\nname = 1", 'host: {"name": 1} is not allowed; use a host name or IP address'),
            (
                'cache_dir = ["/cache"]',
                'cache_dir: ["/cache"] is not allowed; use a folder',
            ),
        ],
    )
    def test_the_file_must_use_the_types_of_toml(self, toml: Path, line: str, fault: str) -> None:
        toml.write_text(line)
        assert faults(file=toml) == [f"sandbank.toml, {fault}"]

    def test_a_list_of_one_still_needs_its_brackets(self, toml: Path) -> None:
        toml.write_text('allowed_hosts = "bank"')
        (fault,) = faults(file=toml)
        use = "a list of host names (lower case, no scheme, no port)"
        assert fault == f'sandbank.toml, allowed_hosts: "bank" is not allowed; use {use}'

    def test_a_wrong_flag_is_named_as_on_the_command_line(self) -> None:
        assert faults(flags={"max_sandboxes": 0}) == [
            "--max-sandboxes: 0 is not allowed; use a whole number from 1 to 1000000"
        ]

    @pytest.mark.parametrize(
        "origin",
        [
            "a.test",
            "http://a.test/",
            "http://a.test/app",
            "http://",
            "HTTP://A.test",
            "http://u@a.test",
            "null",
            "**",
        ],
    )
    def test_an_origin_is_a_scheme_and_a_host(self, origin: str) -> None:
        (fault,) = faults(environ={"SANDBANK_CORS": origin})
        use = "a list of origins like scheme://host[:port] (lower case, no path), or `*`"
        assert fault == f'SANDBANK_CORS: "{origin}" is not allowed; use {use}'

    @pytest.mark.parametrize("host", ["http://bank", "bank:8000", "Bank", "*", "a b"])
    def test_an_allowed_host_is_a_name_alone(self, host: str) -> None:
        (fault,) = faults(environ={"SANDBANK_ALLOWED_HOSTS": host})
        use = "a list of host names (lower case, no scheme, no port)"
        assert fault == f'SANDBANK_ALLOWED_HOSTS: "{host}" is not allowed; use {use}'

    def test_of_a_list_only_the_wrong_items_are_named(self, toml: Path) -> None:
        toml.write_text('cors = ["http://good.test", "bad", 7]')
        assert [fault.partition(" is not allowed")[0] for fault in faults(file=toml)] == [
            'sandbank.toml, cors: "bad"',
            "sandbank.toml, cors: 7",
        ]

    def test_a_long_value_is_cut(self) -> None:
        (fault,) = faults(environ={"SANDBANK_PORT": "9" * 5000})
        assert len(fault) < 150

    def test_a_wrong_value_is_a_fault_even_where_a_flag_overrides_it(self) -> None:
        assert len(faults(flags={"port": 1}, environ={"SANDBANK_PORT": "x"})) == 1

    @given(name=st.sampled_from(EVERY_SETTING), text=st.text())
    def test_any_text_is_either_taken_or_refused_in_one_line(self, name: str, text: str) -> None:
        variable = variable_name(name)
        lines: tuple[str, ...] = ()
        try:
            resolve(environ={variable: text})
        except SettingsError as error:
            lines = error.faults
        assert all(line.isprintable() for line in lines)
        assert all(re.match(rf"{variable}: .+ is not allowed; use .+", line) for line in lines)


class TestSettingsFile:
    @pytest.mark.parametrize(
        ("text", "start"),
        [
            ("port = 1\n\nhost = localhost\n", "sandbank.toml, line 3: not TOML: "),
            ("port = 1\nport = 2\n", "sandbank.toml, line 2: not TOML: "),
            ('port = 1\ncors = [\n"*"\n', "sandbank.toml, line 3: not TOML: "),
            ("port =", "sandbank.toml, line 1: not TOML: "),
        ],
    )
    def test_what_is_not_toml_is_named_with_its_line(self, toml: Path, text: str, start: str) -> None:
        toml.write_text(text)
        (fault,) = faults(file=toml)
        assert fault.startswith(start)
        assert "(at " not in fault

    def test_a_number_too_long_for_python_is_a_fault_like_any_other(self, toml: Path) -> None:
        toml.write_text("port = " + "9" * 5000)
        (fault,) = faults(file=toml)
        assert fault.startswith("sandbank.toml: not TOML: ")

    def test_what_is_not_utf_8_is_named_with_its_line(self, toml: Path) -> None:
        toml.write_bytes(b"\xef\xbb\xbf# one\nport = 1\nhost = '\xff'\n")
        assert faults(file=toml) == ["sandbank.toml, line 3: not UTF-8; save the file as UTF-8"]

    def test_a_folder_in_place_of_the_file_cannot_be_read(self, toml: Path) -> None:
        toml.mkdir()
        (fault,) = faults(file=toml)
        assert re.fullmatch(r"sandbank\.toml: cannot be read \(.+\); use a readable TOML file", fault)

    def test_a_missing_file_that_sandbank_config_names_is_a_fault(self) -> None:
        assert faults(environ={"SANDBANK_CONFIG": "nowhere/bank.toml"}) == [
            'SANDBANK_CONFIG: there is no file "nowhere/bank.toml"; name a TOML file, or unset it'
        ]

    def test_an_empty_sandbank_config_is_a_fault(self) -> None:
        assert faults(environ={"SANDBANK_CONFIG": ""}) == ["SANDBANK_CONFIG: is empty; name a TOML file, or unset it"]

    def test_the_variable_of_the_build_is_passed_over(self) -> None:
        assert resolve(environ={"SANDBANK_WEB": "skip"}).settings == resolve(environ={}).settings
        (fault,) = faults(environ={"SANDBANK_WEBS": "skip"})
        assert fault.startswith("SANDBANK_WEBS: no such setting")

    def test_an_empty_file_sets_nothing(self, toml: Path) -> None:
        toml.write_text("")
        assert resolve(file=toml).settings == Settings()


class TestAllFaultsAtOnce:
    def test_every_fault_of_every_source_is_reported_together(self, toml: Path) -> None:
        toml.write_text("prot = 1\nstrict = 1")
        found = faults(
            flags={"warm_copies": 65},
            environ={"SANDBANK_SEED": "x", "SANDBANK_HOTS": "y"},
            file=toml,
        )
        assert [fault.partition(": ")[0] for fault in found] == [
            "sandbank.toml, prot",
            "sandbank.toml, strict",
            "SANDBANK_HOTS",
            "SANDBANK_SEED",
            "--warm-copies",
        ]

    def test_a_file_that_cannot_be_parsed_does_not_hide_other_faults(self, toml: Path) -> None:
        toml.write_text("=")
        found = faults(environ={"SANDBANK_PORT": "x"}, file=toml)
        assert [fault.partition(": ")[0] for fault in found] == ["sandbank.toml, line 1", "SANDBANK_PORT"]

    def test_the_error_is_a_value_error_that_reads_one_fault_a_line(self) -> None:
        with pytest.raises(ValueError, match="SANDBANK_PORT") as caught:
            resolve(environ={"SANDBANK_PORT": "x", "SANDBANK_SEED": "y"})
        assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
            "SANDBANK_PORT",
            "SANDBANK_SEED",
        ]


class TestSecrets:
    def test_the_token_and_the_default_password_are_the_secrets(self) -> None:
        assert [info.name for info in describe() if info.secret] == ["control_token", "default_password"]

    def test_shown_settings_mask_secrets(self) -> None:
        shown = resolve(flags={"control_token": TOKEN, "default_password": "hunter2"}).shown()
        assert (shown["control_token"], shown["default_password"]) == ("********", "********")

    def test_a_secret_that_is_not_set_is_shown_as_unset(self) -> None:
        assert resolve().shown()["control_token"] == "unset"

    def test_a_repr_keeps_secrets(self) -> None:
        resolved = resolve(flags={"control_token": TOKEN, "default_password": "hunter2", "port": 81})
        assert TOKEN not in repr(resolved)
        assert "hunter2" not in repr(resolved)
        assert "port=81" in repr(resolved)

    @pytest.mark.parametrize("token", ["short-secret", "a secret with spaces", "s3cret" * 100, "سر" * 16])
    def test_a_refused_secret_is_not_repeated(self, token: str) -> None:
        (fault,) = faults(environ={"SANDBANK_CONTROL_TOKEN": token})
        assert fault.startswith("SANDBANK_CONTROL_TOKEN: the value (hidden) is not allowed; ")
        assert fault.endswith("; use 16 to 512 visible ASCII characters")

    def test_a_token_of_sixteen_characters_will_do(self) -> None:
        assert resolve(environ={"SANDBANK_CONTROL_TOKEN": TOKEN}).settings.control_token == TOKEN

    def test_shown_settings_are_texts_for_people(self) -> None:
        shown = resolve(flags={"cors": ("http://a.test", "*"), "strict": True}).shown()
        assert list(shown) == EVERY_SETTING
        assert (shown["cors"], shown["strict"], shown["port"]) == ("http://a.test, *", "true", "8000")
        assert (shown["seed"], shown["allowed_hosts"]) == ("unset", "empty")


class TestCacheFolder:
    HOME = Path("/home/noura")

    def find(self, *, cache_dir: str | None = None, windows: bool = False, **environ: str) -> Path:
        settings = Settings(cache_dir=cache_dir)
        return cache_folder(settings, environ=environ, home=lambda: self.HOME, windows=windows)

    def test_the_folder_that_was_set_is_taken_as_it_is(self) -> None:
        assert self.find(cache_dir="build/images", XDG_CACHE_HOME="/cache") == Path("build/images")

    def test_a_user_without_a_home_may_have_a_cache(self) -> None:
        def none() -> Path:
            raise RuntimeError("no home")

        settings = Settings(cache_dir="/cache")
        assert cache_folder(settings, environ={}, home=none, windows=False) == Path("/cache")
        elsewhere = {"XDG_CACHE_HOME": "/cache"}
        assert cache_folder(Settings(), environ=elsewhere, home=none, windows=False) == Path("/cache/sandbank")

    def test_a_tilde_stands_for_the_home_folder(self) -> None:
        assert self.find(cache_dir="~/images") == self.HOME / "images"

    def test_the_user_cache_folder_is_the_default(self) -> None:
        assert self.find() == self.HOME / ".cache" / "sandbank"

    def test_xdg_cache_home_moves_it(self) -> None:
        assert self.find(XDG_CACHE_HOME="/cache") == Path("/cache/sandbank")

    @pytest.mark.parametrize("ignored", ["", "relative/cache"])
    def test_an_xdg_cache_home_that_is_not_absolute_is_ignored(self, ignored: str) -> None:
        assert self.find(XDG_CACHE_HOME=ignored) == self.HOME / ".cache" / "sandbank"

    def test_windows_has_local_app_data(self) -> None:
        assert self.find(windows=True, LOCALAPPDATA="/local") == Path("/local/sandbank")
        assert self.find(windows=True) == self.HOME / "AppData" / "Local" / "sandbank"


class TestDescriptions:
    def test_names_follow_the_field(self) -> None:
        assert flag_name("max_body_bytes") == "--max-body-bytes"
        assert variable_name("max_body_bytes") == "SANDBANK_MAX_BODY_BYTES"

    def test_every_field_is_described_once_and_in_order(self) -> None:
        assert [info.name for info in describe()] == list(Settings.__struct_fields__)

    def test_every_description_is_one_sentence(self) -> None:
        assert [info.name for info in describe() if not re.fullmatch(r"[A-Z][^.]+\.", info.description)] == []


def table_row(info: SettingInfo) -> str:
    """Write the row that docs/settings.md must have for a setting."""
    cells = (f"`{info.name}`", f"`{info.flag}`", f"`{info.variable}`", info.type_text, f"`{info.default}`")
    return f"| {' | '.join(cells)} | {info.description} |"


class TestDocs:
    def test_the_table_of_settings_is_complete_and_in_order(self) -> None:
        rows = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `")]
        assert rows == [table_row(info) for info in describe()]

    def test_the_example_settings_file_is_valid(self, toml: Path) -> None:
        (example,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
        toml.write_text(example, "utf-8")
        resolved = resolve(file=toml)
        assert "sandbank.toml" in resolved.sources.values()

    def test_the_example_faults_are_what_load_says(self) -> None:
        (example,) = re.findall(r"```text\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
        shown = example.removeprefix("Error: ").splitlines()  # click's own word, once for all of them
        assert example.startswith("Error: ")
        assert faults(environ={"SANDBANK_PROT": "8001", "SANDBANK_STRICT": "maybe"}) == shown
