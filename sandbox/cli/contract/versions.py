"""Whether a version number announces breaking changes, as CHANGELOG.md reads Semantic Versioning."""

import re
from typing import NamedTuple, Self

from sandbox.cli.contract.reading import ContractError

_VERSION = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)(?![0-9])")


class Version(NamedTuple):
    """The three numbers of a version; what stands behind them (`rc1`, `-beta`) announces nothing by itself."""

    major: int
    minor: int
    patch: int

    @classmethod
    def of(cls, text: object) -> Self:
        """The version in `info.version` of a document.

        Raises:
            ContractError: it is none.
        """
        found = _VERSION.match(str(text))
        if found is None:
            raise ContractError(f"info.version is {text!r}; it must begin with three numbers, as 0.1.0")
        return cls(*map(int, found.groups()))

    @property
    def announcing(self) -> "Version":
        """The next version that announces breaking changes."""
        return Version(0, self.minor + 1, 0) if self.major == 0 else Version(self.major + 1, 0, 0)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def announces(new: Version, since: Version) -> bool:
    """Whether `new` tells those who use `since` that things break: a major version, or before 1.0 a minor one."""
    return new >= since.announcing
