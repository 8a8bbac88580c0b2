"""The HTML of the pages about problems, in either language: from what is known of them to bytes, and nothing else."""

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import Final

import msgspec

from sandbox.core.vocabulary import Language
from sandbox.webui.problem_texts import Explained, Said

_CODE: Final = re.compile(r"`([^`]*)`")


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages say besides the texts of a problem, in one language."""

    direction: str
    problems: str
    about: str
    families: dict[str, str]
    code: str
    status: str
    reason: str
    title: str
    meaning: str
    remedy: str
    members: str
    member: str
    tells: str
    example: str
    all_problems: str
    api: str
    as_json: str


_WORDS: Final = {
    Language.ENGLISH: _Words(
        direction="ltr",
        problems="Problems",
        about="Whatever is refused is refused in one shape, `application/problem+json` (RFC 9457). A program branches "
        "on `code`, which never changes its meaning; `detail` tells people about the one case.",
        families={
            "RequestError": "The request is at fault",
            "IdentityError": "Who is asking",
            "BankError": "The bank refuses",
            "SandboxError": "The sandbox refuses",
        },
        code="Code",
        status="Status",
        reason="ISO 20022 reason",
        title="Title",
        meaning="What it means",
        remedy="What to do",
        members="What it adds",
        member="Member",
        tells="Meaning",
        example="Example",
        all_problems="All problems",
        api="API documentation",
        as_json="Ask for `Accept: application/json` to get this as JSON.",
    ),
    Language.ARABIC: _Words(
        direction="rtl",
        problems="المشكلات",
        about="كل رفض يأتي بصيغة واحدة هي `application/problem+json` وفق RFC 9457. يعتمد البرنامج على `code` الذي "
        "لا يتغير معناه أبدًا، أما `detail` فيشرح الحالة المعنية بالإنجليزية.",
        families={
            "RequestError": "خلل في الطلب",
            "IdentityError": "هوية صاحب الطلب وصلاحياته",
            "BankError": "رفض من البنك",
            "SandboxError": "رفض من البيئة التجريبية",
        },
        code="الرمز",
        status="حالة HTTP",
        reason="سبب ISO 20022",
        title="العنوان",
        meaning="ماذا تعني",
        remedy="ماذا تفعل",
        members="حقول إضافية",
        member="الحقل",
        tells="المعنى",
        example="مثال",
        all_problems="جميع المشكلات",
        api="توثيق الواجهة البرمجية",
        as_json="أرسل `Accept: application/json` للحصول على هذه المعلومات بصيغة JSON.",
    ),
}
_LANGUAGES: Final = {Language.ENGLISH: "English", Language.ARABIC: "العربية"}


def problem_page(explained: Explained, language: Language) -> bytes:
    """The page of one problem."""
    words = _WORDS[language]
    other = next(candidate for candidate in Language if candidate is not language)
    facts = [(words.code, _code(explained.code)), (words.status, _status(explained.status))]
    if explained.reason is not None:
        facts.append((words.reason, _code(explained.reason)))
    main = [
        f'<p class="family">{escape(words.families[explained.family])}</p>',
        f"<h1>{escape(explained.title.of(language))}</h1>",
        f'<p class="other"><bdi lang="{other}">{escape(explained.title.of(other))}</bdi></p>',
        '<dl class="facts">',
        *(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in facts),
        "</dl>",
        f"<h2>{escape(words.meaning)}</h2><p>{_text(explained.meaning.of(language))}</p>",
        f"<h2>{escape(words.remedy)}</h2><p>{_text(explained.remedy.of(language))}</p>",
        *_members(explained.members, words, language),
        f"<h2>{escape(words.example)}</h2>",
        f'<pre dir="ltr"><code>{escape(_json(explained, language), quote=False)}</code></pre>',
        f'<p class="note">{_text(words.as_json)}</p>',
    ]
    title = f"{explained.code}: {explained.title.of(language)}"
    links = f'<a href="../problems?lang={language}">{escape(words.all_problems)}</a>'
    return _page(main, title=title, language=language, up="../", links=links, here=explained.code)


def index_page(known: Sequence[Explained], language: Language) -> bytes:
    """The page that lists them all."""
    words = _WORDS[language]
    main = [f"<h1>{escape(words.problems)}</h1>", f"<p>{_text(words.about)}</p>"]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in (words.code, words.status, words.title))
    for family, members in groupby(known, key=lambda explained: explained.family):
        main += [
            f"<h2>{escape(words.families[family])}</h2>",
            f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>',
            *(_row(explained, language) for explained in members),
            "</tbody></table></div>",
        ]
    main.append(f'<p class="note">{_text(words.as_json)}</p>')
    return _page(main, title=words.problems, language=language, up="", links="", here="problems")


def _row(explained: Explained, language: Language) -> str:
    link = f'<a href="problems/{explained.code}?lang={language}">{_code(explained.code)}</a>'
    return f"<tr><td>{link}</td><td>{explained.status}</td><td>{escape(explained.title.of(language))}</td></tr>"


def _members(members: dict[str, Said], words: _Words, language: Language) -> Iterable[str]:
    if not members:
        return
    yield f"<h2>{escape(words.members)}</h2>"
    yield f'<div class="table"><table><thead><tr><th scope="col">{escape(words.member)}</th>'
    yield f'<th scope="col">{escape(words.tells)}</th></tr></thead><tbody>'
    for name, told in members.items():
        yield f"<tr><td>{_code(name)}</td><td>{_text(told.of(language))}</td></tr>"
    yield "</tbody></table></div>"


def _page(main: list[str], *, title: str, language: Language, up: str, links: str, here: str) -> bytes:
    """A whole page. `up` leads from it to where `/docs` and `/problems` stand, `here` is its own last segment."""
    words = _WORDS[language]
    switches = "".join(
        f'<a href="{here}?lang={other}" lang="{other}" hreflang="{other}" rel="alternate">{name}</a>'
        for other, name in _LANGUAGES.items()
        if other is not language
    )
    parts = [
        f'<!doctype html><html lang="{language}" dir="{words.direction}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)} · Sandbank</title>",
        '<link rel="icon" href="data:,">',
        f'<link rel="stylesheet" href="{up}docs/page.css"></head><body>',
        f'<header><a class="brand" href="{up}problems?lang={language}">Sandbank</a>',
        f'<nav>{links}<a href="{up}docs">{escape(words.api)}</a>{switches}</nav></header>',
        f'<main class="text">{"".join(main)}</main></body></html>',
    ]
    return "\n".join(parts).encode()


def _text(text: str) -> str:
    """A text with `backticks`, as HTML."""
    return _CODE.sub(r'<code dir="ltr">\1</code>', escape(text))


def _code(text: str) -> str:
    return f'<code dir="ltr">{escape(text)}</code>'


def _status(status: int) -> str:
    return f'<span dir="ltr">{status}</span>'


def _json(explained: Explained, language: Language) -> str:
    return json.dumps(explained.example_in(language), ensure_ascii=False, indent=2)
