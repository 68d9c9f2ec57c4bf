"""Numbers that carry proof of themselves: cards, accounts, identity numbers."""

from __future__ import annotations

import re

# Length to the first digits that the large issuers of cards have been given (ISO/IEC 7812).
ISSUED = {13: "4", 14: "3[068]", 15: "3[47]", 16: "4|5[1-5]|2[2-7]|6011|6[245]|35", 19: "4|6[2-5]"}


def is_card(number: str) -> bool:
    """Whether digits are a payment card's: an issuer's range, and Luhn's check digit."""
    doubled = "0246813579"
    total = sum(int(doubled[int(digit)]) if place % 2 else int(digit) for place, digit in enumerate(reversed(number)))
    return bool(re.match(ISSUED.get(len(number), "$"), number)) and total % 10 == 0


def is_iban(code: str) -> bool:
    """Whether it is an account's number (ISO 13616): first four signs at the end, letters from 10, modulo 97 is 1."""
    return 15 <= len(code) <= 34 and int("".join(str(int(sign, 36)) for sign in code[4:] + code[:4])) % 97 == 1


def is_ssn(number: str) -> bool:
    """Whether `AAA-GG-SSSS` can have been given to somebody in the United States; there is no check digit."""
    area, group, serial = number.split("-")
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def is_cpf(number: str) -> bool:
    """Whether 11 digits are a Brazilian taxpayer's: two check digits, each modulo 11 of those before it."""
    digits = [int(digit) for digit in number]
    right = [-sum((size + 1 - place) * digits[place] for place in range(size)) % 11 % 10 for size in (9, 10)]
    return right == digits[9:] and len(set(digits)) > 1


def is_resident(number: str) -> bool:
    """Whether 18 signs are a Chinese resident's (GB 11643): a day of birth, and ISO 7064 MOD 11-2."""
    form = r"[1-8]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
    rest = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(number[:17])) % 11
    return bool(re.fullmatch(form, number)) and "10X98765432"[rest] == number[17].upper()


def is_dni(code: str) -> bool:
    """Whether 8 digits and a letter are a Spanish citizen's: the letter is the number modulo 23."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(code[:8]) % 23] == code[-1]
