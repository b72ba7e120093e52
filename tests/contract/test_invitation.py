"""What is on paper: read back from the PDF, as a finder of the paper and as a phone's camera would."""

from __future__ import annotations

import io
import re
import unicodedata
from itertools import groupby

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf.generic import ContentStream

from appliance.paper.invitation import BODY, HEIGHT, Paper, Sender, invitations, modules, pin_slips
from appliance.paper.words import LANGUAGES, WORDS, Language

MM = 72 / 25.4
SENDER = Sender("Riverbend House", "555 0142")
LINK = "https://hearth.local:8443/join#K7QX-4M2P"
PAPER = Paper("Ada Brook", LINK, "K7QX-4M2P", "135790", "2031-03-04T14:00:00Z")

# What would tell a finder what the paper is for. Stems, in small letters without accents.
BANNED = re.findall(
    r"\w+",
    "therap terap patient pacient client session sesion group grupo circle circulo treat tratamiento recover recuper"
    " health salud clinic doctor medic nurse enfermer counsel consejer psych psic psiq mental addict adicc alcohol drug"
    " droga substance sustancia abuse abuso facilitator lidera leader diagnos illness hospital care cuidado hearth box"
    " crisis program help group support apoyo",
)
NOT_MEANT = ("Do you need help", "hearth.local")  # the help is with the paper; the name is the network's


def read(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_invitation_says_who_when_how_and_whom_to_call_and_never_the_pin(language: Language) -> None:
    (text,) = read(invitations(SENDER, [PAPER], language))
    for part in ("Ada Brook", "K7QX-4M2P", "https://hearth.local:8443/join", "555 0142", "Riverbend House", "1.", "3."):
        assert part in text
    assert {"en": "March 4, 2031", "es": "4 de marzo de 2031"}[language] in text
    assert "135790" not in text.replace(" ", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pin_slip_says_the_pin_and_neither_code_nor_link(language: Language) -> None:
    (text,) = read(pin_slips(SENDER, [PAPER], language))
    assert "135 790" in text and "555 0142" in text
    assert not {"K7QX", "4M2P", "http"} & set(re.findall(r"\w+", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_paper_tells_what_it_is_for(language: Language) -> None:
    for pdf in (invitations(SENDER, [PAPER], language), pin_slips(SENDER, [PAPER], language)):
        (text,) = read(pdf)
        text = " ".join(text.split())
        for part in NOT_MEANT:
            text = text.replace(part, "")
        assert not [word for word in BANNED if re.search(rf"\b{word}", plain(text))]


def test_both_languages_say_the_same_things() -> None:
    assert {tuple(sorted(words)) for words in WORDS.values()} == {tuple(sorted(WORDS["en"]))}
    assert all(WORDS["en"][key] != WORDS["es"][key] for key in WORDS["en"])


@pytest.mark.parametrize("name", ["Ελένη Παπαδοπούλου", "Анна Ковальчук", "Łucja Żółć", "José Ñuñez", "Çağla Öztürk"])
def test_names_of_europe_are_printed_as_they_are(name: str) -> None:
    (text,) = read(invitations(SENDER, [Paper(name, LINK, "K7QX-4M2P", "1", PAPER.starts_at)], "en"))
    assert name in text


@pytest.mark.parametrize("name", ["李雷", "Ada \U0001f9ff"])
def test_a_name_that_the_letters_do_not_cover_is_left_as_a_line_and_told_to_no_log(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (text,) = read(invitations(SENDER, [Paper(name, LINK, "K7QX-4M2P", "1", PAPER.starts_at)], "en"))
    assert "For: ____" in text
    assert caplog.records == []


def test_the_file_says_nothing_of_anybody() -> None:
    pdf = invitations(SENDER, [PAPER], "en")
    facts = pypdf.PdfReader(io.BytesIO(pdf)).metadata
    assert facts is not None
    assert set(facts) <= {"/CreationDate", "/Producer"}
    assert not facts.get("/Producer")
    assert not [word for word in (b"fpdf", b"Ada", b"Brook", b"K7QX", b"hearth") if word in pdf]


def test_every_letter_is_large_and_inside_what_a4_and_letter_share() -> None:
    long = Paper("Wilhelmina Featherstonehaugh-Cholmondeley " * 3, LINK, "K7QX-4M2P", "135790", PAPER.starts_at)
    sizes: list[float] = []
    low: list[float] = []

    def visit(text: str, cm: list[float], tm: list[float], font: object, size: float) -> None:
        if text.strip():
            sizes.append(size * tm[0])
            low.append(tm[5])

    for pdf in (invitations(SENDER, [PAPER, long], "es"), pin_slips(SENDER, [PAPER, long], "es")):
        reader = pypdf.PdfReader(io.BytesIO(pdf))
        for page in reader.pages:
            assert page.mediabox.width <= 210.01 * MM and page.mediabox.height <= HEIGHT * MM + 0.01
            page.extract_text(visitor_text=visit)
    assert min(sizes) >= BODY
    assert min(low) > 10 * MM


@settings(max_examples=8, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=4))
def test_whatever_people_are_called_each_gets_one_page(names: list[str]) -> None:
    papers = [Paper(name, LINK, "K7QX-4M2P", "135790", PAPER.starts_at) for name in names]
    assert len(read(invitations(SENDER, papers, "en"))) == len(names)


def test_the_picture_is_the_qr_code_of_the_link() -> None:
    """The dark rectangles are laid on a grid again and compared with what the QR library draws."""
    reader = pypdf.PdfReader(io.BytesIO(invitations(SENDER, [PAPER], "en")))
    content = ContentStream(reader.pages[0].get_contents(), reader)
    runs = [tuple(map(float, operands)) for operands, operator in content.operations if operator == b"re"]
    module = min(abs(height) for _, _, _, height in runs)
    left, top = min(x for x, *_ in runs), max(y for _, y, *_ in runs)
    wanted = modules(LINK)
    found = [[False] * len(wanted) for _ in wanted]
    for x, y, width, _ in runs:
        for n in range(round(width / module)):
            found[round((top - y) / module)][round((x - left) / module) + n] = True
    assert found == wanted
    assert module / MM > 1.5  # mm: large enough for any camera
    assert len([k for k, _ in groupby(wanted[0])]) > 3
