"""Identity numbers: what is told of one before any service is asked."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.errors import InvalidError
from app.verification.numbers import check_digit, parse
from app.verification.ports import real_name

from .papers import number

TODAY = date(2026, 3, 1)
VALUES = "0123456789X"
FIRST = st.text("0123456789", min_size=17, max_size=17)


def is_valid(whole: str) -> bool:
    """ISO 7064, pure system recursive method: apart from the weights of the standard."""
    carried = 0
    for character in whole[:-1]:
        carried = (carried + VALUES.index(character)) * 2 % 11
    return (carried + VALUES.index(whole[-1])) % 11 == 1


@given(FIRST)
def test_check_digits_are_those_of_iso_7064(first: str) -> None:
    assert is_valid(first + check_digit(first))


@given(FIRST, st.integers(0, 16), st.sampled_from("0123456789"))
def test_no_wrong_digit_goes_unseen(first: str, at: int, digit: str) -> None:
    assume(first[at] != digit)
    assert check_digit(first[:at] + digit + first[at + 1 :]) != check_digit(first)


@given(FIRST, st.integers(0, 15))
def test_no_two_digits_that_changed_places_go_unseen(first: str, at: int) -> None:
    assume(first[at] != first[at + 1])
    swapped = first[:at] + first[at + 1] + first[at] + first[at + 2 :]
    assert check_digit(swapped) != check_digit(first)


def test_the_example_of_the_standard_is_taken() -> None:
    known = parse("11010519491231002x", TODAY)
    assert (known.value, known.born) == ("11010519491231002X", date(1949, 12, 31))
    assert known.mask == "1****************X"
    assert known.value not in repr(known)


@pytest.mark.parametrize(
    "text",
    ["１１０１０５１９４９１２３１００２Ｘ", "110105 19491231 002X", "110105-19491231-002x"],
)
def test_a_number_is_taken_as_people_write_it(text: str) -> None:
    assert parse(text, TODAY).value == "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "number-form"),
        ("110105491231002", "number-form"),
        ("11010519491231002Y", "number-form"),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "number-form"),
        ("110105194912310021", "number-check"),
        (number(region="990101"), "number-region"),
        (number(region="160101"), "number-region"),
        (number("19490230"), "number-date"),
        (number("18800101"), "number-date"),
        (number("20260302"), "number-date"),
        (number("20261301"), "number-date"),
    ],
)
def test_what_can_be_nobodys_is_refused_without_repeating_it(text: str, code: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse(text, TODAY)
    assert [fault.code for fault in refused.value.faults] == [code]
    assert not text or text not in str(refused.value)


def test_cards_of_foreigners_and_permits_have_numbers_too() -> None:
    for region in ("911156", "810000", "830000"):
        assert parse(number(region=region), TODAY).born == date(1990, 3, 7)
    with pytest.raises(InvalidError):
        parse(number(region="916156"), TODAY)


@pytest.mark.parametrize(
    ("text", "name"),
    [("张三", "张三"), (" 欧阳测试 ", "欧阳测试"), ("阿卜杜拉•艾合麦提", "阿卜杜拉·艾合麦提"),
     ("Anne-Marie O'Neil", "Anne-Marie O'Neil"), ("𠮷野", "𠮷野")],
)  # fmt: skip
def test_names_are_taken_as_they_stand_in_documents(text: str, name: str) -> None:
    assert real_name(text) == name


@pytest.mark.parametrize("text", ["", "张", "张3", "张_三", "a" * 51, "张\n三\x00", "<b>张三</b>"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        real_name(text)
    assert refused.value.faults[0].code == "name-form"
