"""The tables of the archive file, in SQLAlchemy Core, and what tells whether this program can read one.

A sandbox is a row, and a row for each page in which its database differs from its clean image, so that what changed
since the last time is all that has to be written. Clean images stand once, by the hash of their bytes; an image of a
later moment is one packed difference.
"""

import hashlib
from functools import cache

import sqlalchemy as sa

from sandbox.store.engine import ENGINE, schema_statements

ARCHIVE_VERSION = 1
"""Counted up whenever what the columns mean changes in a way that their definitions do not show."""

metadata = sa.MetaData()


class ArchiveError(Exception):
    """The archive cannot be opened; the message is one line for the user, and says what to do."""


about = sa.Table(
    "about",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False, comment="of the definitions of these tables and of a bank's"),
    sa.Column("written_by", sa.Text, nullable=False, comment="the version of Sandbank"),
    sa.Column("named", sa.Integer, nullable=False, comment="how many sandboxes were given made ids"),
    sa.Column("opened", sa.LargeBinary(32), nullable=False, comment="hash of the image that the server was opened on"),
)

base = sa.Table(
    "base",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("hash", sa.LargeBinary(32), nullable=False, unique=True, comment="SHA-256 of the bytes"),
    sa.Column("bytes", sa.LargeBinary, nullable=False, comment="a whole database, compressed"),
)

image = sa.Table(
    "image",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("base", sa.Integer, sa.ForeignKey("base.key"), comment="of a clean image: its bytes"),
    sa.Column("clean", sa.Integer, sa.ForeignKey("image.key"), comment="of a later moment: the image it differs from"),
    sa.Column("delta", sa.LargeBinary, comment="of a later moment: by which pages"),
    sa.Column("facts", sa.LargeBinary, nullable=False, comment="JSON"),
    sa.Column("folder", sa.Text, comment="where the ecosystem's files are"),
)

sandbox = sa.Table(
    "sandbox",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, comment="in the order in which they were made"),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("origin_image", sa.Integer, sa.ForeignKey("image.key"), nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, comment="wall clock, in microseconds"),
    sa.Column("image", sa.Integer, sa.ForeignKey("image.key"), nullable=False),
    sa.Column("standing", sa.LargeBinary, nullable=False, comment="JSON"),
    sa.Column("size", sa.BigInteger, comment="of the database, in bytes; NULL: it is the image's"),
)

page = sa.Table(
    "page",
    metadata,
    sa.Column("sandbox", sa.Integer, sa.ForeignKey("sandbox.key"), primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False, comment="offset in the database"),
    sa.Column("bytes", sa.LargeBinary, nullable=False, comment="compressed, with a checksum"),
)

snapshot = sa.Table(
    "snapshot",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, comment="in the order in which they were taken"),
    sa.Column("sandbox", sa.Integer, sa.ForeignKey("sandbox.key"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("image", sa.Integer, sa.ForeignKey("image.key"), nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("rate", sa.Float, nullable=False),
    sa.Column("lives", sa.LargeBinary, nullable=False, comment="JSON"),
    sa.UniqueConstraint("sandbox", "name"),
)
# Images are taken away once nothing names them: each of these is looked up for every one of them.
for _column in (sandbox.c.origin_image, sandbox.c.image, snapshot.c.image, image.c.clean, image.c.base):
    sa.Index(f"{_column.table.name}_{_column.name}", _column)


@cache
def fingerprint() -> str:
    """What the archive's tables and those of a bank look like, in a few characters: another one cannot be read."""
    statements = [*schema_statements(metadata), *schema_statements()]
    text = "\n".join(str(statement.compile(dialect=ENGINE.dialect)) for statement in statements)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
