"""Invitations and PIN slips as PDF: one page for each person, large type, fonts within. Nothing is kept.

The page is 210 mm wide and 279 mm high, the part that A4 and Letter have in common: printed at full size, neither cuts
anything off. The file's own facts say nothing of anybody. It leaves out where the PDF goes; PIN and invitation are two
files, because they travel by two ways.

Latin, Cyrillic and Greek names are printed as they are. Names from right to left are put in order letter by letter and
not joined; a name with letters that the font lacks is left as a line to write on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import babel.dates
import segno
from babel import Locale

from appliance.clock import parse
from appliance.paper.words import WORDS, Language

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.fonts import TTFFont

FONTS = Path(__file__).parent / "fonts"  # put there by .ci/setup
WIDTH, HEIGHT, MARGIN = 210.0, 279.0, 18.0  # mm
BODY = 18.0  # points; the least that is printed, for people without their glasses
QR_SIDE = 66.0  # mm with its quiet border: a phone's camera reads it from arm's length
QUIET = 4  # light modules around it (ISO/IEC 18004)
MAX_NAME = 60  # characters of a name; two lines of large type
LINE = 1.25  # height of a line for each height of its letters
POINT = 25.4 / 72  # mm


@dataclass(frozen=True, slots=True)
class Paper:
    """What one person's papers say. `starts_at` as stored. Not to be logged: it has no readable repr."""

    name: str
    link: str
    code: str
    pin: str
    starts_at: str

    def __repr__(self) -> str:
        return "Paper(…)"


@dataclass(frozen=True, slots=True)
class Sender:
    """The clinic as its settings call it: a neutral name, and the number of a human."""

    name: str
    phone: str


def invitations(sender: Sender, papers: Sequence[Paper], language: Language) -> bytes:
    """A PDF with the invitation of each person, without a PIN."""
    return _pdf(papers, language, lambda page, paper: _invitation(page, sender, paper, WORDS[language], language))


def pin_slips(sender: Sender, papers: Sequence[Paper], language: Language) -> bytes:
    """A PDF with the PIN of each person, without code and link."""
    return _pdf(papers, language, lambda page, paper: _pin_slip(page, sender, paper, WORDS[language]))


def address(link: str) -> str:
    """The link as one types it: the code is typed on the page."""
    return link.partition("#")[0]


def when(starts_at: str, language: Language) -> tuple[str, str]:
    """Day and time as that language writes them, by the clock on the wall."""
    at, locale = parse(starts_at).astimezone(), Locale.parse(language)
    day = babel.dates.format_date(at, format="full", locale=locale)
    return day, babel.dates.format_time(at, format="short", locale=locale).replace("\u202f", " ")


def modules(link: str) -> list[list[bool]]:
    """The QR code of a link, dark modules being true, without its border."""
    return [[bool(module) for module in row] for row in segno.make(link, error="m", micro=False).matrix]


class _Page:
    """A column of text on one page, from the top down."""

    def __init__(self, pdf: FPDF) -> None:
        self.pdf = pdf
        self.left, self.width = MARGIN, WIDTH - 2 * MARGIN
        self.y = MARGIN
        pdf.add_page()

    def text(self, words: str, size: float = BODY, *, bold: bool = False, after: float = 2.0) -> None:
        """A paragraph; words that are wider than the column are broken."""
        self.pdf.set_font("DejaVu", "B" if bold else "", size)
        self.pdf.set_xy(self.left, self.y)
        self.pdf.multi_cell(self.width, size * POINT * LINE, words, align="L", new_x="LMARGIN", new_y="NEXT")
        self.y = self.pdf.get_y() + after

    def fitted(self, words: str, size: float, *, bold: bool = True, after: float = 2.0) -> None:
        """One line, smaller if it must be, never below the body's size; then it is broken."""
        self.pdf.set_font("DejaVu", "B" if bold else "", size)
        wide = self.pdf.get_string_width(words) + 2.5
        self.text(words, max(BODY, min(size, size * self.width / wide)), bold=bold, after=after)

    def rule(self) -> None:
        self.pdf.set_line_width(0.6)
        self.pdf.line(self.left, self.y + 1, self.left + self.width, self.y + 1)
        self.y += 6

    def picture(self, dark: Sequence[Sequence[bool]], x: float, y: float, side: float) -> None:
        """Runs of dark modules as rectangles: sharp at any size."""
        module = side / (len(dark) + 2 * QUIET)
        for row, line in enumerate(dark):
            column = 0
            while column < len(line):
                run = next((n for n in range(column, len(line)) if not line[n]), len(line)) - column
                if run:
                    at = (x + (column + QUIET) * module, y + (row + QUIET) * module)
                    self.pdf.rect(*at, run * module, module, style="F")
                column += run or 1


def _pdf(papers: Sequence[Paper], language: Language, draw: Callable[[_Page, Paper], None]) -> bytes:
    from fpdf import FPDF  # 20 MB that only a printing box needs

    pdf = FPDF(unit="mm", format=(WIDTH, HEIGHT))
    pdf.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
    pdf.set_producer("")
    pdf.set_lang(language)
    pdf.set_auto_page_break(False)
    pdf.set_margins(MARGIN, MARGIN, MARGIN)
    pdf.add_font("DejaVu", "", FONTS / "DejaVuSans.ttf")
    pdf.add_font("DejaVu", "B", FONTS / "DejaVuSans-Bold.ttf")
    for paper in papers:
        draw(_Page(pdf), paper)
    return bytes(pdf.output())


def _head(page: _Page, sender: Sender, paper: Paper, title: str, words_for: str) -> None:
    page.fitted(_printable(page.pdf, sender.name), 30)
    page.rule()
    page.text(title, 26, bold=True)
    page.text(f"{words_for}: {_printable(page.pdf, paper.name[:MAX_NAME]) or '_' * 24}", 20, after=1)


def _invitation(page: _Page, sender: Sender, paper: Paper, words: Mapping[str, str], language: Language) -> None:
    _head(page, sender, paper, words["title"], words["for"])
    day, time = when(paper.starts_at, language)
    page.text(f"{words['when']}:", 20, after=0)
    page.fitted(day, 24, after=0)
    page.fitted(time, 28, after=5)
    top = page.y
    page.picture(modules(paper.link), page.left + page.width - QR_SIDE, top - 4, QR_SIDE)
    page.width -= QR_SIDE
    page.text(f"1. {words['scan']}")
    page.text(address(paper.link), bold=True)
    page.width += QR_SIDE
    page.y = max(page.y, top + QR_SIDE - 8)
    page.text(f"2. {words['code']}", after=0)
    page.fitted(paper.code, 36, after=3)
    page.text(f"3. {words['pin']}", after=2)
    page.rule()
    _help(page, sender, words)
    page.text(words["alone"])


def _pin_slip(page: _Page, sender: Sender, paper: Paper, words: Mapping[str, str]) -> None:
    _head(page, sender, paper, words["pin_title"], words["for"])
    page.y += 4
    page.fitted(f"{paper.pin[:3]} {paper.pin[3:]}", 60, after=4)
    page.text(words["pin_how"])
    page.rule()
    _help(page, sender, words)
    page.text(words["pin_alone"])


def _help(page: _Page, sender: Sender, words: Mapping[str, str]) -> None:
    phone = _printable(page.pdf, sender.phone)
    if phone:
        page.text(words["help"], after=0)
        page.fitted(phone, 32)
    else:
        page.text(words["help_here"], bold=True)


def _printable(pdf: FPDF, text: str) -> str:
    """The text as it is drawn; "" if the font lacks a letter of it: a name with holes is somebody else's name."""
    from fpdf.bidi import BidiParagraph

    line = " ".join(text.split())
    if not all(ord(char) in cast("TTFFont", pdf.fonts["dejavuB"]).cmap for char in line):
        return ""
    return str(BidiParagraph(text=line).get_reordered_string())
