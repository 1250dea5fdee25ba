"""References from files: of real shape, of several makers, and broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.references import Reference, UnreadableFile, merge, plain_doi, read, registry_in

CASES = Path(__file__).parent / "cases" / "references"


def of(name: str):
    return read(name, (CASES / name).read_bytes())


def test_a_pubmed_file_gives_everything_a_trial_needs():
    first, second = of("pubmed.nbib").references
    assert first.label == "Irwin 2015"
    assert (first.pmid, first.doi) == ("25748580", "10.1016/j.biopsych.2015.01.010")
    assert first.registry_id == "NCT00280020"
    assert first.title.startswith("Cognitive behavioral therapy and tai chi reverse cellular and genomic markers")
    assert first.authors[0] == "Irwin, Michael R"
    assert "Biological psychiatry" in first.citation
    assert first.details == "78(10):721-9"
    assert second.label == "Antoni 2012"


def test_ris_of_several_makers_says_the_same():
    endnote, zotero, covidence = (of(f"{maker}.ris").references for maker in ("endnote", "zotero", "covidence"))
    for references in (endnote, zotero, covidence):
        assert references[0].doi == "10.1016/j.biopsych.2015.01.010"
        assert references[0].year == 2015
        assert references[0].label == "Irwin 2015"
    assert covidence[0].pmid == "25748580"
    assert zotero[1].label == "Müller-Oerlinghausen 2011"


def test_duplicates_within_a_file_become_one_with_what_both_say():
    found = of("duplicates.ris")
    assert len(found.references) == 2
    assert found.merged == (("record 2, line 9", "record 1, line 1"),)
    one = found.references[0]
    assert (one.doi, one.pmid, one.journal) == ("10.1000/xyz1", "11111111", "Brain Behav Immun")


def test_two_dois_are_two_publications_whatever_their_titles():
    title = "A trial of cognitive therapy in people with cancer"
    one, other = (
        Reference("1", title=title, year=2010, doi="10.1/a"),
        Reference("2", title=title, year=2010, doi="10.1/b"),
    )
    kept, merged = merge([one, other])
    assert (kept, merged) == ([one, other], [])


@pytest.mark.parametrize(
    ("name", "kept", "told"),
    [
        ("cut_off.ris", 2, "no end"),
        ("no_title.ris", 1, "neither title nor author"),
        ("no_year.ris", 1, "no year"),
        ("latin1.ris", 1, "Windows-1252"),
        ("stray_lines.nbib", 1, "no field"),
    ],
)
def test_a_broken_file_loses_nothing_and_says_what_is_wrong(name, kept, told):
    found = of(name)
    assert len(found.references) == kept
    assert any(told in problem.message for problem in found.problems)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"%PDF-1.7 ...", "neither RIS"),
        (b"\x00\x01\x02\xff", "not text"),
        (b"TY  - JOUR\nT1  - x\x00y\nER  - \n", "not text"),
        (b"label,year\nSmith,2010\n", "neither RIS"),
        (b"x" * (10 * 1024 * 1024 + 1), "larger than 10 MB"),
        (b"TY  - JOUR\nTI  - T\nER  - \n" * 501, "At most 500"),
    ],
)
def test_what_is_no_file_of_references_is_refused_in_words(data, told):
    with pytest.raises(UnreadableFile, match=told):
        read("file.ris", data)


def test_windows_line_ends_and_utf_16_are_read():
    text = "TY  - JOUR\r\nAU  - Bækkerud, F\r\nPY  - 2016\r\nTI  - Moderate vs high\r\nER  - \r\n"
    for data in (text.encode(), text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode()):
        assert read("x.ris", data).references[0].label == "Bækkerud 2016"


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("https://doi.org/10.1001/jama.2020.1.", "10.1001/jama.2020.1"),
        ("10.1016/j.bbi.2010.01.005 [doi]", "10.1016/j.bbi.2010.01.005"),
        ("doi:10.1002/(SICI)1097-0142", "10.1002/(SICI)1097-0142"),
        ("S0889-1591 [pii]", ""),
    ],
)
def test_a_doi_is_told_from_what_surrounds_it(text, doi):
    assert plain_doi(text) == doi


def test_registry_numbers_are_found_as_whole_words():
    assert registry_in(["Registered as ISRCTN12345678."]) == "ISRCTN12345678"
    assert registry_in(["XNCT12345678", "no"]) == ""


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(data):
    for head in (b"", b"TY  - JOUR\n", b"PMID- 1\n"):
        try:
            read("x", head + data)
        except UnreadableFile:
            continue


@given(
    st.lists(
        st.sampled_from(
            ["TY  - JOUR", "ER  - ", "AU  - A, B", "PY  - 2010", "TI  - ", "  x", "", "T2  -", "DO  - 10.1/x"]
        )
    )
)
def test_no_order_of_lines_makes_it_fail(lines):
    text = "TY  - JOUR\n" + "\n".join(lines)
    found = read("x.ris", text.encode())
    assert len(found.references) + len(found.problems) + len(found.merged) > 0
