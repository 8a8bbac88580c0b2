"""What a rule of the sandbox may say no with: the family `SandboxError` of `errors`."""

from sandbox.core.errors import DomainError


class SandboxError(DomainError):
    """A rule of the sandbox refuses."""


class SandboxUnknownError(SandboxError):
    """No sandbox of that id; none is made on sight."""

    code, status = "sandbox_unknown", 404
    title, title_ar = "There is no such sandbox", "لا توجد بيئة تجريبية بهذا الاسم"


class SandboxRequiredError(SandboxError):
    """The server is strict and the request names no sandbox."""

    code, status = "sandbox_required", 400
    title, title_ar = "Name a sandbox", "حدّد بيئة تجريبية"


class SandboxExistsError(SandboxError):
    """The id is taken."""

    code, status = "sandbox_exists", 409
    title, title_ar = "The sandbox exists already", "البيئة التجريبية موجودة مسبقًا"


class SandboxProtectedError(SandboxError):
    """`default` always exists."""

    code, status = "sandbox_protected", 409
    title, title_ar = "This sandbox cannot be removed", "لا يمكن حذف هذه البيئة التجريبية"


class TooManySandboxesError(SandboxError):
    """The cap on sandboxes is reached."""

    code, status = "too_many_sandboxes", 503
    title, title_ar = "There are too many sandboxes", "عدد البيئات التجريبية كبير جدًا"


class ClockCannotGoBackError(SandboxError):
    """Business time was to be set to the past."""

    code, status = "clock_cannot_go_back", 422
    title, title_ar = "Time does not go backwards", "لا يمكن إرجاع الوقت إلى الوراء"


class SnapshotUnknownError(SandboxError):
    """The sandbox has no snapshot of that name."""

    code, status = "snapshot_unknown", 404
    title, title_ar = "There is no such snapshot", "لا توجد لقطة بهذا الاسم"


class SnapshotExistsError(SandboxError):
    """The sandbox has a snapshot of that name already."""

    code, status = "snapshot_exists", 409
    title, title_ar = "The snapshot exists already", "اللقطة موجودة مسبقًا"


class TooManySnapshotsError(SandboxError):
    """The cap on a sandbox's snapshots is reached."""

    code, status = "too_many_snapshots", 503
    title, title_ar = "There are too many snapshots", "عدد اللقطات كبير جدًا"


class ReadOnlyError(SandboxError):
    """The server was told to change nothing."""

    code, status = "read_only", 403
    title, title_ar = "This server is read-only", "هذا الخادم للقراءة فقط"


class EcosystemUnknownError(SandboxError):
    """No ecosystem of that name is at hand."""

    code, status = "ecosystem_unknown", 404
    title, title_ar = "There is no such ecosystem", "لا توجد منظومة بهذا الاسم"


class EcosystemInvalidError(SandboxError):
    """The ecosystem's files break its rules; nothing was loaded."""

    code, status = "ecosystem_invalid", 422
    title, title_ar = "The ecosystem is not valid", "المنظومة غير صالحة"


class ScenarioUnknownError(SandboxError):
    """No scenario of that name is at hand."""

    code, status = "scenario_unknown", 404
    title, title_ar = "There is no such scenario", "لا يوجد سيناريو بهذا الاسم"


class ScenarioInvalidError(SandboxError):
    """The scenario's file breaks a rule; nothing of it was applied."""

    code, status = "scenario_invalid", 422
    title, title_ar = "The scenario is not valid", "السيناريو غير صالح"


class ScenarioPreconditionFailedError(SandboxError):
    """The bank is not as the scenario needs it; nothing of it was applied."""

    code, status = "scenario_precondition_failed", 422
    title, title_ar = "The bank is not as the scenario needs it", "حالة البنك لا تناسب السيناريو"


class ScenarioStepFailedError(SandboxError):
    """The bank refused a step of the scenario; nothing of it was applied."""

    code, status = "scenario_step_failed", 422
    title, title_ar = "A step of the scenario was refused", "رُفضت إحدى خطوات السيناريو"


class ZipInvalidError(SandboxError):
    """The body is no zip of an ecosystem's files; nothing was changed."""

    code, status = "zip_invalid", 422
    title, title_ar = "The zip cannot be read", "تعذرت قراءة الملف المضغوط"


class MessageUnknownError(SandboxError):
    """The inbox holds no such message."""

    code, status = "message_unknown", 404
    title, title_ar = "There is no such message", "لا توجد رسالة بهذا الوصف"


class WaitTimedOutError(SandboxError):
    """What was waited for did not come in time."""

    code, status = "wait_timed_out", 408
    title, title_ar = "The wait was in vain", "انتهت مهلة الانتظار"


class SandboxWasResetError(SandboxError):
    """The sandbox was reset or removed while the request waited."""

    code, status = "sandbox_was_reset", 409
    title, title_ar = "The sandbox was reset meanwhile", "أعيد ضبط البيئة التجريبية أثناء الانتظار"


class ServerStoppingError(SandboxError):
    """The server was stopped while the request was under way; what it asked for may have been done."""

    code, status = "server_stopping", 503
    title, title_ar = "The server is stopping", "الخادم قيد الإيقاف"


class ArchiveFailedError(SandboxError):
    """What was done could not be written to the archive yet; it stands in memory, and is tried again."""

    code, status = "archive_failed", 503
    title, title_ar = "The archive cannot be written", "تعذرت الكتابة إلى الأرشيف"
