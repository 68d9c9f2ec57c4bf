"""Personal data and secrets: what is masked, and what only looks like it."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from finetune.clean import personal_data

ROLES = {"text": "text", "label": "label"}
HELD = {
    "email": ["write to anna.smith+x@mail.example.co.uk.", "用户邮箱zhang@qq.com", "<ann@b.org>", "jörg.müller@firma.de"],
    "phone": ["+44 20 7946 0958", "(212) 555-0187", "212-555-0187", "212.555.0187", "01 42 68 53 00", "Tel. 030 1234567",
              "08452810075", "手机13812345678", "txt 8712134 now", "call 0870-123-4567", "text to 447781482378", "+1 (650) 253-0000"],
    "card": ["4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "3782 822463 10005", "6011000990139424"],
    "iban": ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "pay NL91 ABNA 0417 1643 00 today"],
    "ip": ["from 93.184.216.34 today", "2606:2800:220:1:248:1893:25c8:1946"],
    "id": ["SSN 078-05-1120", "AB 12 34 56 C", "529.982.247-25", "11010519491231002X", "12345678Z", "RSSMRA85T10A562S",
           "Passport no. X1234567"],
    "key": ["AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1" * 20, "hf_" + "aB" * 17, "sk-" + "a1B2" * 8, "password=hunter2024", "api_key: 'abc123def456'",
            "https://bob:s3cret@host/x", "-----BEGIN PRIVATE KEY-----\nMIIE+a/=\n-----END PRIVATE KEY-----"],
}
ALIKE = [
    "order 123-4567890-1234567", "order no 0123456", "2024-05-12 10:00:00", "12.05.2024", "12/05/2024", "call 2019-05-06",
    "version 1.2.3.4", "v10.0.1.40", "Chapter 12.13.14.15", "ISBN 978-3-16-148410-0", "ISBN 0-306-40615-2", "isbn 9780306406157",
    "img@2x.png", "@handle", "a @ b", "$1,234,567.89", "1234567890", "4111111111111112", "1.000.000", "12:34:56", "std::cout<<a::b",
    "192.168.0.1", "127.0.0.1", "page 123-456", "2019-2020-2021", "123 456 789", "score 10-7 12-3", "token: the word", "password: yes",
    "3.14159265358979", "1 000 000 000", "ab12cd34", "AB12 CD34", "10,000,000", "GB82 WEST 1234 5698 7654 33", "call 911", "call 24/7",
    "call 1999", "text 87121", "0.123456789012", "5000000000000000", "+1", "+20 30", "1234-5678", "192 of 2000", "555-0187",
    "100-200-300", "COVID-19", "2024 1234 5678", "12345678A", "529.982.247-26", "000-12-3456", "11010519491231002Y", "10x10x10 0000000",
    "the secret: be kind", "2001:db8::1", "f::f", "serial 490154203237518", "0123-456789", "$0800 555 1234"[:0] or "0", "",
]


def table(*texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": ["h"] * len(texts),
                     "text": pa.array(texts, pa.string()), "label": ["a"] * len(texts)})


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in HELD.items() for text in texts])
def test_personal_data_is_found_counted_and_masked(kind, text):
    found = personal_data.find(table("fine", text), ROLES)
    assert (found.rows, found.counts) == ((1,), {kind: 1})
    assert found.reasons == (f"column 'text' holds {kind}",)
    assert f"[{kind}]" in found.after[0]
    assert personal_data.mask(found.after[0])[0] == found.after[0]


@pytest.mark.parametrize("text", ALIKE)
def test_what_only_looks_like_it_is_left_alone(text):
    assert personal_data.mask(text)[0] == text
    assert len(personal_data.find(table(text), ROLES)) == 0


def test_only_the_data_itself_is_replaced():
    text = "Ann (ann@b.org, +44 20 7946 0958) paid 12.50 with 4111 1111 1111 1111; password: abcd1234 on 2024-05-12."
    masked = "Ann ([email], [phone]) paid 12.50 with [card]; password: [key] on 2024-05-12."
    found = personal_data.find(table(text), ROLES)
    assert found.after == (masked,)
    assert found.reasons == ("column 'text' holds key, email, card, phone",)


def test_several_of_a_kind_are_counted():
    found = personal_data.find(table("a@b.org, c@d.org", "e@f.org"), ROLES)
    assert found.counts == {"email": 3}
    assert found.reasons[0] == "column 'text' holds 2 x email"


def test_masks_names_only_what_changes():
    assert personal_data.masks({"fine", "a@b.org", "@", ""}) == {"a@b.org": "[email]"}


@pytest.mark.parametrize("piece", ["-----BEGIN PRIVATE KEY-----", "a@", "a.", "a@a.", "0 ", "012-", "+1 ", "call ", "call to ", "AB12", "1.2.3.4.",
                                   "a:", "ab::", "password: ", "://a:a", "passport no ", "1", "eyJaaaaaaaaa.", "a@b.org "])
def test_no_text_takes_long(piece):
    text = piece * (100_000 // len(piece))
    started = time.perf_counter()
    personal_data.mask(text)
    assert time.perf_counter() - started < 3


def test_words_that_hold_a_word_for_a_secret_are_not_looked_into():
    import pyarrow.compute as pc

    texts = ["a design that passed, the key to it", "no token of it", "password: hunter2", "api_key = x1", "Bearer abc"]
    assert pc.match_substring_regex(pa.array(texts), personal_data.SIGN).to_pylist() == [False, False, True, True, True]
