"""A Dockerfile without an engine: read, checked against its build context, and its steps run in a folder.

Every absolute path that a step makes lies in a folder of our own instead (`Build.mapped`), since a venv must be used
where it was made; otherwise a line is run as it is written. What a stage copies from another is already there, so
`Build.finish` takes away all that the last stage has not copied.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SECONDS = 400
"""The longest that a step may take."""


class Instruction(NamedTuple):
    """One instruction: `COPY --from=built /a/ /b/` has the flags {"from": ["built"]} and the rest."""

    name: str
    flags: dict[str, list[str]]
    rest: str

    @property
    def words(self) -> list[str]:
        """The arguments, in exec form or as words."""
        if self.rest.startswith("["):
            words: list[str] = json.loads(self.rest)
            return words
        return shlex.split(self.rest)


class Stage(NamedTuple):
    """What stands between one FROM and the next."""

    name: str
    base: str
    instructions: list[Instruction]

    def all(self, name: str) -> list[Instruction]:
        """Its instructions of a name."""
        return [one for one in self.instructions if one.name == name]

    def last(self, name: str) -> Instruction:
        """The one that counts of those that replace each other."""
        return self.all(name)[-1]

    @property
    def environment(self) -> dict[str, str]:
        """What its ENV lines set."""
        return dict(word.split("=", 1) for one in self.all("ENV") for word in one.words)


def instructions(text: str) -> Iterator[Instruction]:
    """Every instruction of a Dockerfile, its lines joined, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        flags: dict[str, list[str]] = {}
        while (flag := re.match(r"\s*--([a-z-]+)=(\S+)\s+", rest)) is not None:
            flags.setdefault(flag[1], []).append(flag[2])
            rest = rest[flag.end() :]
        yield Instruction(name, flags, " ".join(rest.split()))


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile, with the defaults of its global arguments put in."""
    found: list[Stage] = []
    defaults: dict[str, str] = {}
    for one in instructions(text):
        if one.name == "FROM":
            base, _, name = re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], one.rest).partition(" AS ")
            found.append(Stage(name, base, []))
        elif found:
            found[-1].instructions.append(one)
        else:
            assert one.name == "ARG", f"{one.name} stands before the first FROM"
            name, _, value = one.rest.partition("=")
            defaults[name] = value
    return found


def left_out(path: str, ignore: str) -> bool:
    """Whether `.dockerignore` keeps a file of the context out: the last pattern that fits it or a parent decides."""
    parts = path.split("/")
    parents = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    out = False
    for line in filter(None, map(str.strip, ignore.splitlines())):
        if line.startswith("#"):
            continue
        pattern = _regex(line.removeprefix("!").strip("/"))
        if any(pattern.fullmatch(parent) for parent in parents):
            out = not line.startswith("!")
    return out


def _regex(pattern: str) -> re.Pattern[str]:
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(words.get(piece, re.escape(piece)) for piece in pieces))


class StepError(AssertionError):
    """A RUN line failed; the message has what it printed."""


class Build:
    """The steps of a Dockerfile, run in `home`."""

    def __init__(self, text: str, *, context: Path, home: Path) -> None:
        self.stages = stages(text)
        self.context = context
        self.home = home
        made = [one.words[-1] for stage in self.stages for one in stage.all("COPY") + stage.all("WORKDIR")]
        self.roots = sorted({path.rstrip("/") for path in made if path.startswith("/")})
        roots = "|".join(re.escape(root) for root in [*self.roots, *self._of_runs()])
        self._root = re.compile(rf"(?<![\w./-])(?:{roots})(?![\w-])")

    def mapped(self, text: str) -> str:
        """A text with every path that the Dockerfile makes moved into `home`."""
        return self._root.sub(lambda match: f"{self.home}{match[0]}", text)

    def place(self, path: str) -> Path:
        """Where a path of the image lies."""
        return Path(self.mapped(path))

    def run(self) -> None:
        """Run every stage.

        Raises:
            StepError: a line failed.
        """
        for stage in self.stages:
            self._run(stage)

    def finish(self) -> None:
        """Take away what the last stage has not copied."""
        kept = {one.words[-1].rstrip("/") for one in self.stages[-1].all("COPY") + self.stages[-1].all("WORKDIR")}
        for root in {*self.roots, *self._of_runs()} - kept:
            shutil.rmtree(self.place(root), ignore_errors=True)

    def _of_runs(self) -> list[str]:
        """What lines make that is not copied within a stage but from it to the next."""
        sources = [one.words[0] for stage in self.stages for one in stage.all("COPY") if "from" in one.flags]
        return [path.rstrip("/") for path in sources]

    def _run(self, stage: Stage) -> None:
        work = Path("/")
        for one in stage.instructions:
            if one.name == "WORKDIR":
                work = self.place(one.words[0])
                work.mkdir(parents=True, exist_ok=True)
            elif one.name == "COPY":
                self._copy(one, work)
            elif one.name == "RUN":
                self._step(self.mapped(one.rest), work if work != Path("/") else self.home, stage.environment)

    def _copy(self, one: Instruction, work: Path) -> None:
        *sources, target = one.words
        if "from" in one.flags:
            assert sources == [target], "paths must stay what they are: a venv works only where it was made"
            assert self.place(target).is_dir(), target
            if "chown" in one.flags and os.geteuid() == 0:
                user, group = map(int, one.flags["chown"][0].split(":"))
                os.chown(self.place(target), user, group)
            return
        for source in sources:
            place = self.context / source
            if place.is_dir():
                assert target.endswith("/"), target
                shutil.copytree(place, work / target, dirs_exist_ok=True)
            else:
                shutil.copy2(place, work / target)

    def _step(self, command: str, work: Path, variables: dict[str, str]) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SANDBANK_", "PYTHON"))}
        done = subprocess.run(
            ["sh", "-e", "-c", command],
            cwd=work,
            env=kept | {"PATH": path} | {name: self.mapped(value) for name, value in variables.items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise StepError(f"{command}\nended with {done.returncode}:\n{done.stdout}")
