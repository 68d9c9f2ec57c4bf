"""The table of synonyms: what it takes, and every fault of it by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.data.augment import synonyms


def written(folder: Path, content: str) -> str:
    file = folder / "words.txt"
    file.write_text(content, encoding="utf-8")
    return str(file)


def test_every_word_of_a_group_stands_for_the_others(tmp_path: Path) -> None:
    file = written(tmp_path, "\ufeffFilm, movie ,Motion  picture,\n\ngood,great\r\n")
    assert synonyms.problems(file) == []
    assert synonyms.read(file).others == {
        "film": ("movie", "Motion  picture"), "movie": ("Film", "Motion  picture"), "motion picture": ("Film", "movie"),
        "good": ("great",), "great": ("good",)}


def test_longest_phrase_from_the_left_is_found() -> None:
    table = synonyms.Table({"new": ("fresh",), "new york": ("NYC",), "york": ("Y",)})
    text = "New York, new  york new"
    spans = [(0, 3), (4, 8), (10, 13), (15, 19), (20, 23)]
    assert table.occurrences(text, spans) == [(0, 8, ("NYC",)), (10, 19, ("NYC",)), (20, 23, ("fresh",))]


@pytest.mark.parametrize(("content", "said"), [
    ("", "holds no words. Write one group a line, separated by commas: film, movie."),
    (" ,\n\n", "holds no words. Write one group a line, separated by commas: film, movie."),
])
def test_empty_table_is_a_problem(tmp_path: Path, content: str, said: str) -> None:
    file = written(tmp_path, content)
    assert synonyms.problems(file) == [f"task.synonyms: {file} {said}"]


def test_every_fault_is_told_by_line(tmp_path: Path) -> None:
    file = written(tmp_path, "film, movie\nalone\ngood, great\nlonely,\nMovie, picture\n")
    assert synonyms.problems(file) == [
        f"task.synonyms: {file}:2, {file}:4: one word alone, a group has at least 2. Write them separated by commas: film, movie.",
        f"task.synonyms: 'Movie' ({file}:1 and 5): a word is in the file more than once. Put its groups together."]


def test_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    missing, latin = str(tmp_path / "none.txt"), tmp_path / "latin.txt"
    latin.write_bytes("caf\xe9, bar".encode("latin-1"))
    end = "Give a text file, one group of words a line."
    assert synonyms.problems(missing) == [f"task.synonyms: {missing} cannot be read (No such file or directory). {end}"]
    assert synonyms.problems(str(latin)) == [f"task.synonyms: {latin} cannot be read (it is not UTF-8). {end}"]
    assert synonyms.problems(str(tmp_path)) == [f"task.synonyms: {tmp_path} cannot be read (Is a directory). {end}"]
