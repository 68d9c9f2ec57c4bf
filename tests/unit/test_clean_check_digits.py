"""Check digits: a right number is right, and any other last digit is wrong."""

from __future__ import annotations

import pytest

from finetune.clean import check_digits


@pytest.mark.parametrize("number", ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000", "4222222222222"])
def test_card_has_one_right_check_digit(number):
    assert [digit for digit in "0123456789" if check_digits.is_card(number[:-1] + digit)] == [number[-1]]


def test_luhn_alone_makes_no_card():
    assert not check_digits.is_card("490154203237518")  # the number of a telephone set
    assert not check_digits.is_card("0" * 16)


@pytest.mark.parametrize("code", ["GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606", "NO9386011117947"])
def test_iban_with_any_two_other_check_digits_is_none(code):
    right = [number for number in range(2, 99) if check_digits.is_iban(f"{code[:2]}{number:02}{code[4:]}")]
    assert right == [int(code[2:4])]


def test_cpf_has_two_right_check_digits():
    assert [n for n in range(100) if check_digits.is_cpf(f"529982247{n:02}")] == [25]
    assert not check_digits.is_cpf("1" * 11)


def test_resident_number_needs_date_and_check_digit():
    assert [sign for sign in "0123456789X" if check_digits.is_resident("11010519491231002" + sign)] == ["X"]
    assert not check_digits.is_resident("11010519491331002X")


def test_letter_of_a_dni_follows_from_its_number():
    assert check_digits.is_dni("12345678Z")
    assert not check_digits.is_dni("12345678A")


@pytest.mark.parametrize(("number", "given"), [("078-05-1120", True), ("000-12-3456", False), ("666-12-3456", False),
                                               ("912-12-3456", False), ("123-00-4567", False), ("123-45-0000", False)])
def test_social_security_numbers_that_were_never_given_are_none(number, given):
    assert check_digits.is_ssn(number) is given
