"""Scenario files: every fault by file and line, all at once, and what is read is what was meant."""

import sys
from pathlib import Path

import pytest

from sandbox.core.sandbox_errors import ScenarioInvalidError, ScenarioUnknownError
from sandbox.core.settings import Settings
from sandbox.core.shipped import shipped_folder
from sandbox.sandboxes.scenarios.files import read_scenario
from sandbox.sandboxes.scenarios.library import Library, library_of, notes, open_library, own_folder
from sandbox.sandboxes.scenarios.model import Scenario
from sandbox.sandboxes.scenarios.nodes import MAX_BYTES, MAX_DEPTH, MAX_NODES, read_yaml

HEAD = "title: T\nstory: S\n"
STEPS = "steps:\n  - advance: P1D\n"
USER = "parameters:\n  user:\n    type: user\n    default: {first: active_customer}\n    description: who\n"


def faults_of(text: str, name: str = "x") -> list[str]:
    """The faults of a file, as people read them."""
    scenario, faults = read_scenario(text.encode(), name=name, file="x.yaml", source="own")
    assert (scenario is None) == bool(faults)
    return [str(fault) for fault in faults]


def read(text: str) -> Scenario:
    scenario, faults = read_scenario(text.encode(), name="x", file="x.yaml", source="own")
    assert scenario is not None, faults
    return scenario


def step(text: str) -> str:
    """A file whose one step is `text`, which stands on line 9 and below."""
    return f"{HEAD}{USER}steps:\n  - {text}\n"


def parameter(text: str) -> str:
    """A file whose one parameter is `text`, from line 5 on."""
    return f"{HEAD}parameters:\n  p:\n{text}{STEPS}"


def condition(where: str) -> str:
    """A file whose one precondition has its `where` on line 6."""
    return f"{HEAD}precondition:\n  - says: A\n    collection: accounts\n    where: {where}\n{STEPS}"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "is empty"),
        ("- a\n- b\n", 1, "must be a mapping with title, story, steps"),
        ("title: T\nstory: S\n", 1, "steps: is missing"),
        (f"title: T\n{STEPS}", 1, "story: is missing"),
        (f"title: ''\nstory: S\n{STEPS}", 1, "title: needs 1 characters or more"),
        (f"title: 7\nstory: S\n{STEPS}", 1, "title: must be text"),
        (f"{HEAD}{STEPS}stepz: []\n", 5, "precondition (did you mean steps?)"),
        (f"{HEAD}steps: []\n", 3, "steps: must list at least one step"),
        (f"{HEAD}steps: go\n", 3, "steps: must be a list"),
        (f"{HEAD}steps:\n  - {{}}\n", 4, "steps[0]: needs one of patch, call, advance, apply, repeat"),
        (f"{HEAD}steps:\n  - walk\n", 4, "steps[0]: must be a mapping with one of patch"),
        (f"{HEAD}steps:\n  - advance: P1D\n    apply: x\n", 4, "steps[0]: has advance and apply; make two steps"),
        (f"{HEAD}title: T\n{STEPS}", 3, "the key 'title' stands twice; before on line 1"),
        (f"{HEAD}steps: [\n", 4, "is no YAML"),
        (f"{HEAD}steps: &a\n  - *a\n", 3, "anchors (&name) are not read here"),
        (f"{HEAD}steps:\n  - *a\n", 4, "aliases (*name) are not read here"),
        (f"{HEAD}steps: !!python/object/apply:os.system [ls]\n", 3, "the tag tag:yaml.org,2002:python/object/apply"),
        (f"{HEAD}parameters: 3\n{STEPS}", 3, "parameters: must be a mapping of names"),
        (
            f"{HEAD}parameters:\n  Now:\n    type: text\n    description: d\n{STEPS}",
            4,
            "parameters.Now: a name is made",
        ),
        (
            f"{HEAD}parameters:\n  now:\n    type: text\n    description: d\n{STEPS}",
            4,
            "parameters.now: a name is made",
        ),
        (parameter("    type: tex\n    description: d\n"), 5, "parameters.p.type: must be one of user, account, money"),
        (parameter("    type: text\n"), 5, "parameters.p.description: is missing"),
        (parameter("    type: text\n    description: d\n    min: 3\n"), 7, "parameters.p.min: is not known here"),
        (
            parameter("    type: integer\n    description: d\n    default: many\n"),
            7,
            "p.default: must be a whole number",
        ),
        (
            parameter("    type: integer\n    description: d\n    max: 3\n    default: 4\n"),
            8,
            "default: must be 3 or less",
        ),
        (parameter("    type: integer\n    description: d\n    min: 4\n    max: 3\n"), 7, "min: must not be over max"),
        (parameter("    type: money\n    description: d\n    default: 1.2345\n"), 7, "has more than three decimals"),
        (
            parameter("    type: money\n    description: d\n    min: 2\n    default: 1.999\n"),
            8,
            "must be 2.000 or more",
        ),
        (parameter("    type: boolean\n    description: d\n    default: 'no'\n"), 7, "must be true or false"),
        (parameter("    type: duration\n    description: d\n    default: soon\n"), 7, "'soon' is no duration"),
        (parameter("    type: choice\n    description: d\n    choices: []\n"), 7, "must list at least one text"),
        (parameter("    type: choice\n    description: d\n    default: a\n"), 5, "needs choices, such as [sms, email]"),
        (parameter("    type: choice\n    description: d\n    choices: [a]\n    default: b\n"), 8, "must be one of a"),
        (parameter("    type: text\n    description: d\n    default: 5411\n"), 7, "must be text; put it in quotes"),
        (parameter("    type: text\n    description: d\n    default: null\n"), 7, "must not be null"),
        (parameter("    type: user\n    description: d\n    default: {first: hero}\n"), 7, "'hero' is not known"),
        (parameter("    type: user\n    description: d\n    default: {first: admin}\n"), 7, "say role: admin"),
        (
            parameter("    type: user\n    description: d\n    default: {second: x}\n"),
            7,
            "p.default.second: is not known",
        ),
        (parameter("    type: account\n    description: d\n    default: {first: CURRENT}\n"), 7, "so say whose"),
        (parameter("    type: account\n    of: user\n    description: d\n"), 6, "p.of: 'user' is not known"),
        (
            f"{HEAD}{USER}  a:\n    type: account\n    of: user\n    description: d\n    default: {{first: X}}\n",
            12,
            "'X' is not known; use one of CURRENT, SAVINGS",
        ),
        (step("advance: P1Q"), 9, "steps[0].advance: 'P1Q' is no duration"),
        (step("advance: {by: P1D, to: x}"), 9, "steps[0].advance: needs by"),
        (step("advance: {to: tomorrow}"), 9, "steps[0].advance.to: 'tomorrow' is no RFC 3339 timestamp"),
        (step("advance: {to: {next: month}}"), 9, "advance.to.next: 'month' is not known"),
        (step("advance: {to: {next: day, at: '25:00'}}"), 9, "advance.to.at: must be a time in Kuwait"),
        (step("advance: {to: {next: payday}}"), 9, "advance.to.day: is missing"),
        (step("advance: {to: {next: payday, day: 32}}"), 9, "advance.to.day: must be 31 or less"),
        (step("advance: {to: {next: day, day: 2}}"), 9, "stands beside next: payday only"),
        (step("call: dance"), 9, "steps[0].call.act: 'dance' is not known; use an act of the bank: failed_sign_in"),
        (step("call: {act: depositt}"), 9, "(did you mean deposit?)"),
        (step("call: {act: failed_sign_in}"), 9, "steps[0].call.with.user: is missing; failed_sign_in needs it"),
        (step("call: {act: failed_sign_in, with: {user: '{user}', speed: 3}}"), 9, "call.with.speed: is not known"),
        (
            step("call: {act: failed_sign_in, with: {user: '{usr}'}}"),
            9,
            "there is no {usr} here; there are now, today, user (did",
        ),
        (
            step("call: {act: failed_sign_in, with: {user: '{user.age}'}}"),
            9,
            "{user} has user_id, customer_id, username",
        ),
        (step("call: {act: failed_sign_in, with: {user: '{user'}}"), 9, "has a lone {; write {{ for a brace"),
        (step("call: {act: spend, with: {account: a, habit: SLEEP}}"), 9, "with.habit: must be one of GROCERIES"),
        (step("call: {act: spend, with: {account: a, habit: FUEL, chance: 101}}"), 9, "chance: must be 100 or less"),
        (
            step("call: {act: deposit, with: {account: a, amount: '{user}'}}"),
            9,
            "must be of type money; {user} is of type user",
        ),
        (
            step("call: {act: spend, with: {account: a, habit: FUEL, chance: '{today}'}}"),
            9,
            "must be of type integer; {today} is of type date",
        ),
        (
            step("patch: {collection: acounts, where: {status: ACTIVE}, set: {status: FROZEN}}"),
            9,
            "did you mean accounts?",
        ),
        (step("patch: {collection: holds, id: x, set: {status: VOIDED}}"), 9, "patch.collection: 'holds' is not known"),
        (
            step("patch: {collection: accounts, set: {status: FROZEN}}"),
            9,
            "steps[0].patch: needs where or id, not both",
        ),
        (step("patch: {collection: accounts, id: x, where: {status: ACTIVE}, set: {nickname: x}}"), 9, "not both"),
        (
            step("patch: {collection: accounts, id: x, set: {status: OPEN}}"),
            9,
            "steps[0].patch.set.status: must be one of ACTIVE, FROZEN, DO",
        ),
        (step("patch: {collection: accounts, id: x, set: {stauts: FROZEN}}"), 9, "(did you mean status?)"),
        (step("patch: {collection: accounts, id: x, set: {account_id: y}}"), 9, "set.account_id: is not known here"),
        (step("patch: {collection: accounts, id: x, set: {}}"), 9, "steps[0].patch.set: must be a mapping of some of"),
        (step("patch: {collection: accounts, id: x, set: {opened_at: 2026-01-01}}"), 9, "is no RFC 3339 timestamp"),
        (step("patch: {collection: customers, id: x, set: {date_of_birth: 2026-02-30}}"), 9, "is no date"),
        (step("patch: {collection: accounts, id: x, set: {status: null}}"), 9, "must not be null"),
        (step("patch: {collection: accounts, id: x, set: {nickname: x}, create: maybe}"), 9, "create: must be true or"),
        (step("repeat: {times: 0.5, steps: [{advance: P1D}]}"), 9, "repeat.times: must be a whole number"),
        (step("repeat: {times: 1001, steps: [{advance: P1D}]}"), 9, "repeat.times: must be 1000 or less"),
        (step("repeat: {times: 2, turn: user, steps: [{advance: P1D}]}"), 9, "user means something else here"),
        (step("repeat: {times: 2, turn: A B, steps: [{advance: P1D}]}"), 9, "repeat.turn: is made of a-z"),
        (step("repeat: {times: 2, steps: []}"), 9, "repeat.steps: must list at least one step"),
        (
            step("repeat: {times: 2, steps: [{call: {act: notify, with: {user: u, type: T, title: '{turn}'}}}]}"),
            9,
            "steps[0].repeat.steps[0].call.with.title: there is no {turn} here",
        ),
        (step("{when: {}, advance: P1D}"), 9, "when: must say payday, day_of_month, business_day or weekday"),
        (step("{when: {weekday: someday}, advance: P1D}"), 9, "when.weekday: 'someday' is not known"),
        (step("{when: {payday: 0}, advance: P1D}"), 9, "when.payday: must be 1 or more"),
        (
            f"{HEAD}precondition:\n  - says: A\n    collection: acounts\n    where: {{status: ACTIVE}}\n{STEPS}",
            5,
            "precondition[0].collection: 'acounts' is not known",
        ),
        (
            f"{HEAD}precondition:\n  - collection: accounts\n    where: {{status: ACTIVE}}\n{STEPS}",
            4,
            "precondition[0].says: is missing",
        ),
        (
            f"{HEAD}precondition:\n  - says: A {{b}}\n    collection: accounts\n    where: {{status: ACTIVE}}\n{STEPS}",
            4,
            "precondition[0].says: there is no {b} here",
        ),
        (condition("{}"), 6, "precondition[0].where: must be a mapping of some of account_id"),
        (condition("{status: OPEN}"), 6, "precondition[0].where.status: must be one of ACTIVE"),
        (
            condition("{status: ACTIVE}\n    has: {status: FROZEN}\n    absent: true"),
            7,
            "has: cannot stand beside absent",
        ),
    ],
)
def test_a_fault_is_named_by_line_and_path(text: str, line: int, told: str) -> None:
    found = faults_of(text)
    assert any(fault.startswith(f"x.yaml:{line}:") and told in fault for fault in found), found


def test_all_faults_are_named_at_once_in_order_of_line() -> None:
    text = "title: T\nstory: S\nwhat: no\nparameters:\n  p: {type: text}\nsteps:\n  - call: dance\n  - advance: soon\n"
    assert [fault.split(" ")[0] for fault in faults_of(text)] == [
        "x.yaml:3:",
        "x.yaml:5:",
        "x.yaml:7:",
        "x.yaml:8:",
    ]


def test_a_file_name_that_cannot_be_called_is_a_fault() -> None:
    (fault,) = faults_of(f"{HEAD}{STEPS}", name="Not this")
    assert fault.startswith("x.yaml:1: the file's name 'Not this'")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"a: \xff\n", "is not UTF-8"),
        (b"x" * (MAX_BYTES + 1), "the file has"),
        (b"[" * (MAX_DEPTH + 2), "nested more than"),
        (b"{a: " * 10_000, "nested more than"),
        (b"[" + b"1," * (MAX_NODES + 1) + b"]", "more than"),
        (b"a: \x07\n", "a control character"),
        (b"a: 1\n---\nb: 2\n", "found another document"),
        (b"? [a]\n: 1\n", "a key must be a word"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(raw: bytes, told: str) -> None:
    node, faults = read_yaml(raw)
    assert node is None
    assert told in faults[0].text


def test_an_alias_bomb_costs_nothing() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    node, faults = read_yaml(f"l0: &l0 [x]\n{levels}".encode())
    assert node is None
    assert faults[0].line == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2026-01-15", "2026-01-15"),
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("<<", "<<"),
        ("true", True),
        ("7", 7),
        ("'7'", "7"),
        ("~", None),
    ],
)
def test_plain_words_are_read_as_json_would(text: str, value: object) -> None:
    node, faults = read_yaml(f"a: {text}\n".encode())
    assert not faults
    assert node is not None
    assert node.plain() == {"a": value}
    assert type(node.plain()["a"]) is type(value)


def test_money_keeps_its_decimals() -> None:
    scenario = read(parameter("    type: money\n    description: d\n    default: 12.750\n"))
    assert scenario.parameters[0].default == "12.750"


def test_a_story_is_one_line_however_it_was_folded() -> None:
    assert read(f"title: T\nstory: |\n  One\n  two.\n{STEPS}").story == "One two."


def library(folder: Path, **files: str) -> Library:
    """A library of files by name."""
    paths = []
    for name, text in files.items():
        path = folder / f"{name.replace('_', '-')}.yaml"
        path.write_text(text, encoding="utf-8")
        paths.append(("own", path))
    return library_of(paths)


def applying(name: str, arguments: str = "{}", parameters: str = "") -> str:
    return f"{HEAD}{parameters}steps:\n  - apply:\n      scenario: {name}\n      with: {arguments}\n"


NEEDY = f"{HEAD}parameters:\n  amount: {{type: money, description: d}}\n{STEPS}"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (applying("nobody"), 4, "steps[0].apply.scenario: 'nobody' is not known; there are a, needy"),
        (applying("a"), 4, "steps[0].apply.scenario: goes in a circle: a -> a"),
        (applying("needy"), 4, "steps[0].apply.with.amount: is missing; needy needs it"),
        (applying("needy", "{amount: much}"), 6, "apply.with.amount: 'much' is no amount"),
        (applying("needy", "{amount: 1, colour: red}"), 6, "with.colour: is no parameter of needy; it has amount"),
        (applying("needy", "{amount: '{now}'}"), 6, "with.amount: must be of type money; {now} is of type instant"),
        (applying("needy", "{amount: '{x}'}"), 6, "with.amount: there is no {x} here"),
    ],
)
def test_steps_that_apply_others_are_checked_against_them(tmp_path: Path, text: str, line: int, told: str) -> None:
    found = library(tmp_path, a=text, needy=NEEDY)
    faults = [str(fault) for fault in found.faults["a"]]
    assert any(fault.startswith(f"{tmp_path / 'a.yaml'}:{line}:") and told in fault for fault in faults), faults
    assert list(found.scenarios) == ["needy"]


def test_a_circle_over_three_files_is_named_from_each(tmp_path: Path) -> None:
    found = library(tmp_path, a=applying("b"), b=applying("c"), c=applying("a"))
    assert "goes in a circle: a -> b -> c -> a" in str(found.faults["a"][0])
    assert "goes in a circle: c -> a -> b -> c" in str(found.faults["c"][0])
    assert not found.scenarios


def test_whoever_applies_a_broken_one_cannot_be_applied(tmp_path: Path) -> None:
    found = library(tmp_path, top=applying("middle"), middle=applying("low"), low="title: x\n", good=f"{HEAD}{STEPS}")
    assert list(found.scenarios) == ["good"]
    assert "'low' is not valid itself" in str(found.faults["middle"][0])
    assert "applies 'middle', which is not valid" in str(found.faults["top"][0])


def test_asking_for_a_broken_or_unknown_scenario_says_which_it_is(tmp_path: Path) -> None:
    found = library(tmp_path, good=f"{HEAD}{STEPS}", bad="title: x\n")
    with pytest.raises(ScenarioInvalidError, match=r"bad\.yaml:1: story: is missing"):
        found.get("bad")
    with pytest.raises(ScenarioUnknownError, match=r"There are: good\."):
        found.get("nothing")


def test_own_scenarios_stand_before_those_of_the_ecosystem_and_those_before_shipped_ones(tmp_path: Path) -> None:
    own, bank = tmp_path / "own", tmp_path / "bank"
    (bank / "scenarios").mkdir(parents=True)
    own.mkdir()
    for folder, names in ((own, ("locked-user", "mine")), (bank / "scenarios", ("locked-user", "low-balance"))):
        for name in names:
            (folder / f"{name}.yaml").write_text(f"title: {folder.name}\nstory: S\n{STEPS}", encoding="utf-8")
    found = open_library(Settings(scenarios_dir=str(own)), bank)
    assert {name: found.scenarios[name].source for name in ("locked-user", "mine", "low-balance", "busy-month")} == {
        "locked-user": "own",
        "mine": "own",
        "low-balance": "ecosystem",
        "busy-month": "shipped",
    }
    assert found.scenarios["locked-user"].replaces == ("ecosystem", "shipped")
    assert notes(found) == [
        f"{own / 'locked-user.yaml'}: locked-user stands before the ecosystem one and the shipped one",
        f"{bank / 'scenarios' / 'low-balance.yaml'}: low-balance stands before the shipped one",
    ]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"{HEAD}{STEPS}", encoding="utf-8")
    assert library_of([("own", path)]).scenarios["a"].title == "T"
    path.write_text(f"title: Other\nstory: S\n{STEPS}", encoding="utf-8")
    assert library_of([("own", path)]).scenarios["a"].title == "Other"


def test_scenarios_in_the_working_directory_count_but_never_the_shipped_ones_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = shipped_folder("scenarios")
    assert shipped is not None
    monkeypatch.chdir(shipped.parent)
    assert own_folder(Settings()) is None
    monkeypatch.chdir(tmp_path)
    assert own_folder(Settings()) is None
    (tmp_path / "scenarios").mkdir()
    assert own_folder(Settings()) == Path("scenarios")


@pytest.mark.skipif(sys.platform == "win32", reason="everybody reads everything there")
def test_a_file_that_cannot_be_read_is_a_fault_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"{HEAD}{STEPS}", encoding="utf-8")
    marks = library_of([("own", path)])
    assert marks.scenarios
    path.unlink()
    path.symlink_to(tmp_path)
    assert not library_of([("own", path)]).scenarios
