"""Files that commands read and write for people: what cannot be read or written is a mistake, named in one line."""

from pathlib import Path

from sandbox.cli.options import fail


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        click.ClickException: it is not there, cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise fail(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise fail(f"{path} is no text in UTF-8") from None


def write_text(path: Path, text: str) -> None:
    """Write a file, into a folder that is there.

    Raises:
        click.ClickException: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise fail(f"{path} cannot be written: {error.strerror}") from None


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it.

    Raises:
        click.ClickException: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise fail(f"{folder} is a file, and a folder is wanted") from None
    except OSError as error:
        raise fail(f"the folder {folder} cannot be made: {error.strerror}") from None


def renew_part(path: Path, text: str, *, begin: str, end: str) -> None:
    """Put a made text between two lines of a page.

    Raises:
        click.ClickException: the page cannot be read or written, or lacks one of the lines.
    """
    page = read_text(path)
    try:
        renewed = put_between(page, text, begin=begin, end=end)
    except ValueError as error:
        raise fail(f"{path}: {error}") from None
    write_text(path, renewed)


def put_between(page: str, text: str, *, begin: str, end: str) -> str:
    """`page` with `text` between the lines `begin` and `end`.

    Raises:
        ValueError: the page lacks one of them.
    """
    before, first, rest = page.partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise ValueError(f"the page lacks the lines {begin} and {end}")
    return f"{before}{begin}\n\n{text}\n{end}{after}"
