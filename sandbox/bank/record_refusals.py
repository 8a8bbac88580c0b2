"""Refusals of records with the facts that a door needs to say how it is done there: the bank knows no routes."""

from sandbox.core.errors import LedgerImmutableError, MethodNotAllowedError, NotFoundError


class CollectionUnknownError(NotFoundError):
    """There is no such collection."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"There is no collection {collection[:64]!r}.")


class CollectionOnlyReadError(MethodNotAllowedError):
    """The collection is what the bank itself has done."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"{collection} are the bank's own record of what it did.")
        self.collection = collection


class NoObjectError(MethodNotAllowedError):
    """The collection is one value without fields: there is nothing to change in it."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"{collection} is no object.")


class MovementImmutableError(LedgerImmutableError):
    """The money of a movement stays as it is. `transfer_id` is the transfer it belongs to, if any."""

    def __init__(self, record_id: str, fields: list[str], *, transfer_id: str | None, pending: bool) -> None:
        what = f"{', '.join(fields)} of transaction {record_id}" if fields else f"transaction {record_id}"
        super().__init__(f"The ledger keeps {what} as it is.", fields=fields)
        self.fields = fields
        self.transfer_id = transfer_id
        self.pending = pending


class AuditLineImmutableError(LedgerImmutableError):
    """A line of the audit trail stays as it is."""

    def __init__(self, record_id: str, fields: list[str]) -> None:
        detail = f"Line {record_id} of the audit trail stays as it is: lines form a chain."
        super().__init__(detail, fields=fields)
        self.fields = fields
