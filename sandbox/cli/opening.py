"""Opening what settings name, with every way in which that fails as one clear message of the command line's."""

from collections.abc import Callable
from typing import TypeVar

from sandbox.cli.options import fail
from sandbox.sandboxes.archive_tables import ArchiveError
from sandbox.sandboxes.shelf import AsOfError
from sandbox.store.ecosystem import EcosystemNotFoundError
from sandbox.store.reading import EcosystemError

T = TypeVar("T")

_SHOWN = 20


def opened(opening: Callable[[], T]) -> T:
    """What `opening` opens.

    Raises:
        click.ClickException: it is not there, breaks a rule, or cannot be at that time.
    """
    try:
        return opening()
    except AsOfError as error:
        raise fail(f"--as-of: {error}") from None
    except (ArchiveError, EcosystemNotFoundError) as error:
        raise fail(str(error)) from None
    except EcosystemError as error:
        lines = [f"{error}; nothing was loaded:", *(f"  {failure}" for failure in error.failures[:_SHOWN])]
        if len(error.failures) > _SHOWN:
            lines.append(f"  ... and {len(error.failures) - _SHOWN} more (sandbank ecosystem validate lists them)")
        raise fail(*lines) from None
