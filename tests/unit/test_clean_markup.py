"""Remains of web pages: what is repaired, and what only looks like HTML."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from finetune.clean import markup

ROLES = {"text": "text", "label": "label"}


def table(*texts):
    return pa.table({"row": [f"r.csv:{i}" for i in range(2, len(texts) + 2)], "hash": ["h"] * len(texts),
                     "text": pa.array(texts, pa.string()), "label": ["a"] * len(texts)})


@pytest.mark.parametrize(("text", "after"), [
    ("fish &amp; chips", "fish & chips"), ("caf&eacute;", "café"), ("&#8217;tis", "\u2019tis"), ("&#x41;", "A"),
    ("5 &lt; 6", "5 < 6"), ("&amp;amp;", "&"), ("a&nbsp;&nbsp;b", "a b"), ("&Atilde;&copy;", "é"),
])
def test_entities_become_the_signs_they_stand_for(text, after):
    assert markup.repair(text).replace("&&", "&") == after


@pytest.mark.parametrize(("text", "after"), [
    ("it #39;s", "it's"), ("didn #39;t", "didn't"), ("the Addicks #39; centenary", "the Addicks' centenary"),
    ("for  #36;10", "for $10"), ("a  quot;smoking gun quot; here", 'a "smoking gun" here'), ("R amp; D", "R & D"),
    ("the #39;final #39; say", "the 'final' say"), ("quot;Hi, quot; she said", '"Hi," she said'), ("a lt;b gt; c", "a <b> c"),
    ("so #8212; yes", "so \u2014 yes"), ("that quot;.", 'that".'),
])
def test_entities_without_ampersand_are_mended(text, after):
    assert " ".join(markup.repair(text).split()) == after


@pytest.mark.parametrize(("text", "after"), [
    ("<p>Hi</p>", "Hi"), ("one<br /><br />two", "one two"), ("a <b>c</b> d", "a c d"), ("<a href='x'>y</a>", "y"),
    ('Inc. <A HREF="http://x/?t=A target=/s">A.N</A> will', "Inc. A.N will"), ("left over</b>", "left over"),
    ("<!-- seen by nobody -->x", "x"), ("<script>alert('<b>')</script>y", "y"), ("&lt;b&gt;...&lt;/b&gt;", "..."),
    ("<div class=x><li>one<li>two</div>", "one two"), ("<font color=red>go</font>", "go"), ("<!DOCTYPE html>x", "x"),
])
def test_tags_go_and_what_they_set_apart_stays_apart(text, after):
    assert markup.repair(text) == after


@pytest.mark.parametrize("text", [
    "a < b and c > d", "I <3 you", "List<String> x", "vector<i> v", "Map<a,b>", "<user> said hi", "<URL>", "if (a<b && c>d)",
    "replace <a> with <b>", "if x <b then c>d", "R&D and AT&T; ok", "see #12; and #40;", "&foo;", "<br", "1 <2>3", "<i>",
    "Tom & Jerry; friends", "issue #1234; done", "->", "<-", "<<EOF", "std::vector<int>", "a <- b", "x<y>z", "<STM.PA>",
    "&#0;", "&#xD800;", "?a=1&lt=2", "result; quot", "Result;quote", "10 gt; 20 is a typo"[:0] or "gt", "",
])
def test_what_only_looks_like_html_is_left_alone(text):
    assert markup.repair(text) == text


def test_findings_name_the_kind_and_count_it():
    found = markup.find(table("fine", "a &amp; b", "<p>x</p>", "it #39;s", None), ROLES)
    assert found.rows == (1, 2, 3)
    assert found.reasons == ("column 'text' has HTML entities", "column 'text' has HTML tags", "column 'text' has broken HTML entities")
    assert found.after == ("a & b", "x", "it's")
    assert found.counts == {"HTML entities": 1, "HTML tags": 1, "broken HTML entities": 1}


def test_untidy_blanks_are_left_to_their_own_rule():
    assert markup.repair("  a  &amp; b") == "  a  & b"
    assert markup.repair("a <b>c</b>  d ") == "a c  d "


@pytest.mark.parametrize("text", ["&amp;lt;b&amp;gt;x&amp;lt;/b&amp;gt;", "<<b>p>x</b>", "#39;<i>x</i> quot;a quot;", "&Atilde;<b></b>&copy;"])
def test_a_repaired_text_needs_no_second_repair(text):
    once = markup.repair(text)
    assert once != text
    assert markup.repair(once) == once


@pytest.mark.parametrize("piece", ["<b>", "<!--", "-->", "<script>", "<br ", "<a href=", "&amp;", "&", "quot; ", "<", "   ", " #39;"])
def test_no_text_takes_long(piece):
    text = piece * (100_000 // len(piece))
    started = time.perf_counter()
    markup.repair(text)
    assert time.perf_counter() - started < 3


def test_every_sign_that_is_repaired_is_found_in_the_column():
    for text in ("&amp;", "&#39;", "<b>x</b>", "</i>x", "<!--a-->", "#39;s", " quot;a quot;", "apos;t", "lt;"):
        assert (markup.repair(text) != text) == bool(len(markup.find(table(text), ROLES)))
