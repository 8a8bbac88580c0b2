"""What the bank and the doors may say no with. `sandbox_errors` has the refusals of the sandbox, `catalogue` has all.

    DomainError
    +-- RequestError      the request itself is at fault: shape, headers, address
    +-- IdentityError     who is asking is unknown, locked, or not allowed
    +-- BankError         the bank refuses an order that was well formed
    +-- SandboxError      a sandbox rule refuses (in `sandbox_errors`)

Each class is one problem type (RFC 9457): its `code` names the page at `/problems/{code}`, `title` and `title_ar` are
fixed, `reason` is an ISO 20022 status reason where there is one. An instance carries the facts of one case.
"""

from typing import Any, ClassVar

import msgspec

_SHOWN = 3
"""How many faults the detail of a problem names; its `errors` have them all."""


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong in a request: where (JSON Pointer, RFC 6901, or `?name`), which rule, and what to do."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal. `detail` is for people, `facts` become extension members of the problem."""

    code: ClassVar[str] = ""
    status: ClassVar[int] = 400
    title: ClassVar[str] = ""
    title_ar: ClassVar[str] = ""
    reason: ClassVar[str | None] = None

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts
        self.faults: tuple[Fault, ...] = ()
        self.headers: dict[str, str] = {}


def _listed(faults: list[Fault], *, whole: str) -> str:
    """How many faults there are, and the first of them; `whole` names what an empty pointer points at."""
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    shown = [f"{fault.pointer or whole}: {fault.detail.removesuffix('.')}" for fault in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        shown.append(f"and {len(faults) - _SHOWN} more")
    return f"{count}: {'; '.join(shown)}."


class RequestError(DomainError):
    """The request itself is at fault."""


class IdentityError(DomainError):
    """Who is asking is unknown, locked, or not allowed."""

    status = 401


class BankError(DomainError):
    """The bank refuses an order that was well formed."""

    status = 422


class MalformedJsonError(RequestError):
    """The body is no strict JSON."""

    code, status = "malformed_json", 400
    title, title_ar = "The body is not valid JSON", "محتوى الطلب ليس JSON صالحًا"


class ValidationFailedError(RequestError):
    """The request has faults; all of them are listed."""

    code, status = "validation_failed", 400
    title, title_ar = "The request is not valid", "الطلب غير صالح"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"The request has {_listed(faults, whole='the body')}")
        self.faults = tuple(faults)


class RecordInvalidError(RequestError):
    """A record breaks its type, a reference or a rule of its collection; all faults are listed."""

    code, status = "record_invalid", 422
    title, title_ar = "The record is not valid", "السجل غير صالح"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"The record has {_listed(faults, whole='the record')}")
        self.faults = tuple(faults)


class RecordExistsError(RequestError):
    """The identifier of a new record is taken."""

    code, status = "record_exists", 409
    title, title_ar = "The record exists already", "السجل موجود مسبقًا"


class RecordInUseError(RequestError):
    """Other records refer to a record that was to be deleted."""

    code, status = "record_in_use", 409
    title, title_ar = "Other records refer to this one", "توجد سجلات أخرى تشير إلى هذا السجل"


class IdempotencyKeyMissingError(RequestError):
    """A POST that moves money came without `Idempotency-Key`."""

    code, status = "idempotency_key_missing", 400
    title, title_ar = "An Idempotency-Key is needed", "مفتاح عدم التكرار مطلوب"


class IdempotencyKeyReusedError(RequestError):
    """The key was used before with another request."""

    code, status = "idempotency_key_reused", 422
    title, title_ar = "The Idempotency-Key was used for another request", "سبق استخدام مفتاح عدم التكرار لطلب آخر"


class NotFoundError(RequestError):
    """No such thing, or not one that the caller may know of."""

    code, status = "not_found", 404
    title, title_ar = "Not found", "غير موجود"


class MethodNotAllowedError(RequestError):
    """The path exists, the method does not."""

    code, status = "method_not_allowed", 405
    title, title_ar = "The method is not allowed here", "طريقة الطلب غير مسموح بها هنا"


class PreconditionFailedError(RequestError):
    """`If-Match` names another version than the current one."""

    code, status = "precondition_failed", 412
    title, title_ar = "The resource has changed", "تغيّر المورد"


class BodyTooLargeError(RequestError):
    """The body is larger than the limit."""

    code, status = "body_too_large", 413
    title, title_ar = "The body is too large", "حجم محتوى الطلب كبير جدًا"


class UnsupportedMediaTypeError(RequestError):
    """The body is of another media type than the operation takes, mostly `application/json`."""

    code, status = "unsupported_media_type", 415
    title, title_ar = "The media type is not supported", "نوع المحتوى غير مدعوم"


class InternalError(RequestError):
    """A bug of ours; nothing was changed."""

    code, status = "internal_error", 500
    title, title_ar = "Something went wrong inside the bank", "حدث خطأ داخلي في البنك"


class UnauthenticatedError(IdentityError):
    """No bearer token was sent."""

    code, status = "unauthenticated", 401
    title, title_ar = "Sign in first", "سجّل الدخول أولًا"


class TokenInvalidError(IdentityError):
    """The token is forged, malformed, or of a session that no longer lives."""

    code, status = "token_invalid", 401
    title, title_ar = "The access token is not valid", "رمز الدخول غير صالح"


class TokenExpiredError(IdentityError):
    """The token's time is over."""

    code, status = "token_expired", 401
    title, title_ar = "The access token has expired", "انتهت صلاحية رمز الدخول"


class TokenOfOtherSandboxError(IdentityError):
    """The token was issued by another sandbox than the one addressed."""

    code, status = "token_of_other_sandbox", 401
    title, title_ar = "The token belongs to another sandbox", "الرمز يخص بيئة تجريبية أخرى"


class InvalidCredentialsError(IdentityError):
    """Wrong username or password."""

    code, status = "invalid_credentials", 401
    title, title_ar = "The username or password is wrong", "اسم المستخدم أو كلمة المرور غير صحيحة"


class RefreshTokenInvalidError(IdentityError):
    """The refresh token is unknown, expired, or its session has ended."""

    code, status = "refresh_token_invalid", 401
    title, title_ar = "The refresh token is not valid", "رمز التجديد غير صالح"


class RefreshTokenReusedError(IdentityError):
    """A refresh token was used twice: the whole family is revoked (RFC 9700 section 4.14)."""

    code, status = "refresh_token_reused", 401
    title, title_ar = "The refresh token was used before", "سبق استخدام رمز التجديد"


class ControlTokenRequiredError(IdentityError):
    """The control and data plane ask for their token, and it is missing or wrong."""

    code, status = "control_token_required", 401
    title, title_ar = "The control token is needed", "رمز التحكم مطلوب"


class ForbiddenError(IdentityError):
    """The caller's role may not do this."""

    code, status = "forbidden", 403
    title, title_ar = "Your role may not do this", "دورك لا يسمح بهذا الإجراء"


class CredentialsExpiredError(IdentityError):
    """The password was right but is past its time."""

    code, status = "credentials_expired", 403
    title, title_ar = "The password has expired", "انتهت صلاحية كلمة المرور"


class UserSuspendedError(IdentityError):
    """The user or the customer is suspended."""

    code, status = "user_suspended", 403
    title, title_ar = "The user is suspended", "المستخدم موقوف"


class UserPendingError(IdentityError):
    """The user is not activated yet."""

    code, status = "user_pending", 403
    title, title_ar = "The user is not activated yet", "لم يتم تفعيل المستخدم بعد"


class DeviceNotActiveError(IdentityError):
    """The device is known and not ACTIVE."""

    code, status = "device_not_active", 403
    title, title_ar = "The device is not active", "الجهاز غير نشط"


class HostNotAllowedError(IdentityError):
    """The control plane was asked under a foreign host name (DNS rebinding)."""

    code, status = "host_not_allowed", 403
    title, title_ar = "This host name may not reach the control plane", "اسم المضيف هذا غير مسموح له بالتحكم"


class OriginNotAllowedError(IdentityError):
    """A web page of a foreign origin asked the control plane, or sent the browser there."""

    code, status = "origin_not_allowed", 403
    title, title_ar = "This origin may not reach the control plane", "هذا المصدر غير مسموح له بالتحكم"


class UserLockedError(IdentityError):
    """Too many failed sign-ins, or locked by staff."""

    code, status = "user_locked", 423
    title, title_ar = "The user is locked", "المستخدم مقفل"


class CodeInvalidError(IdentityError):
    """The code of a second factor is wrong."""

    code, status = "code_invalid", 401
    title, title_ar = "The code is wrong", "الرمز غير صحيح"


class ChallengeEndedError(IdentityError):
    """The challenge was answered, has expired, took too many wrong codes, or gave way to a newer one."""

    code, status = "challenge_ended", 410
    title, title_ar = "The challenge has ended", "انتهى طلب التحقق"


class ResendLimitReachedError(IdentityError):
    """The code was sent as often as it may be."""

    code, status = "resend_limit_reached", 422
    title, title_ar = "The code was sent too often", "تم إرسال الرمز مرات كثيرة"


class InsufficientFundsError(BankError):
    """The available balance is below what is asked for."""

    code, reason = "insufficient_funds", "AM04"
    title, title_ar = "There is too little money", "الرصيد غير كافٍ"


class LimitExceededError(BankError):
    """An amount would take a balance past what the bank can count."""

    code, reason = "limit_exceeded", "AM02"
    title, title_ar = "The amount is over the limit", "المبلغ يتجاوز الحد المسموح"


class AccountBlockedError(BankError):
    """The account is frozen or dormant."""

    code, reason = "account_blocked", "AC06"
    title, title_ar = "The account is blocked", "الحساب محظور"


class AccountClosedError(BankError):
    """The account is closed."""

    code, reason = "account_closed", "AC04"
    title, title_ar = "The account is closed", "الحساب مغلق"


class IbanInvalidError(BankError):
    """The text is no valid IBAN (ISO 13616)."""

    code, reason = "iban_invalid", "AC01"
    title, title_ar = "The IBAN is not valid", "رقم الآيبان غير صالح"


class CreditorUnknownError(BankError):
    """No account of this bank has that number."""

    code, reason = "creditor_unknown", "AC03"
    title, title_ar = "The receiving account does not exist", "الحساب المستفيد غير موجود"


class BankUnreachableError(BankError):
    """The IBAN is of a bank that this sandbox does not pay."""

    code, reason = "bank_unreachable", "AG01"
    title, title_ar = "That bank cannot be paid from here", "لا يمكن الدفع إلى هذا البنك من هنا"


class SameAccountError(BankError):
    """Both sides of the transfer are one account."""

    code, reason = "same_account", "BE01"
    title, title_ar = "Both sides are the same account", "الحسابان متطابقان"


class TransferNotReversibleError(BankError):
    """The transfer is not in a state that can be reversed."""

    code, status = "transfer_not_reversible", 409
    title, title_ar = "The transfer cannot be reversed", "لا يمكن عكس التحويل"


class AlreadyReversedError(BankError):
    """A movement is reversed at most once."""

    code, status, reason = "already_reversed", 409, "AM05"
    title, title_ar = "It was reversed before", "سبق عكس العملية"


class HoldResolvedError(BankError):
    """A hold is posted, voided or expires at most once."""

    code, status = "hold_resolved", 409
    title, title_ar = "The hold is already resolved", "تمت تسوية الحجز مسبقًا"


class LedgerImmutableError(BankError):
    """What stands on the ledger or in the audit trail is never changed: it is taken back by a new movement."""

    code, status = "ledger_immutable", 409
    title, title_ar = "What is posted cannot be changed", "لا يمكن تغيير القيود المسجلة"
