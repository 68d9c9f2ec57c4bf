"""Which files of rows a user means: one file, or all tables of a folder, a zip archive or a pattern, by split."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from pathlib import Path

from finetune.contracts import SPLITS
from finetune.data import locators
from finetune.data.images import SPLIT_OF
from finetune.data.table_file import FORMATS, TableFile, formats
from finetune.errors import DataError, some

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_WORDS = re.compile(r"[^a-z0-9]+")
_SHEETS = (".xlsx", ".xls", ".ods")
_ABOUT = ("readme", "license", "licence", "citation", "changelog")  # what stands beside the data of every public set


def find(place: str, *, split: str, roles: Mapping[str, str]) -> tuple[dict[str, list[TableFile]], tuple[str, ...]]:
    """The tables by split, and notes; none at all where a folder or zip holds pictures instead.

    Of several files, names that have the word train, validation (or val, dev, ...) or test go to that split, others to
    `split`. Raises DataError naming `data.files.SPLIT`.
    """
    key, path = f"data.files.{split}", Path(place).expanduser()
    if _ADDRESS.match(place):
        raise DataError(key, f"{place} is an address; only files on disk are read. Download it, and name the file.")
    if path.is_dir() or path.suffix.lower() == ".zip":
        files, where = locators.list_files(path, key), str(path.absolute())
    elif glob.has_magic(place) and not path.exists():
        files, where = _matching(path, key), place
    else:
        return {split: [one(path, key, roles)]}, ()
    about = {parts for parts in files if Path(parts[-1]).stem.casefold() in _ABOUT}
    tables = [TableFile("/".join(parts), locator, key)
              for parts, locator in sorted(files.items()) if parts not in about]
    notes = tuple(f"{'/'.join(parts)} is passed over" for parts in sorted(about))
    suffixes, allowed = sorted({table.suffix for table in tables}), formats(roles)
    known = [suffix for suffix in suffixes if suffix in allowed]
    if not known and "image" in roles.values() and not glob.has_magic(place):
        return {}, ()
    if not tables:
        raise DataError(key, f"{where} holds no files of rows. Allowed are {', '.join(allowed)}. Name another place.")
    if not known:
        return _with_labels(_by_split(tables, split), where), notes
    if len(suffixes) > 1:
        raise DataError(key, f"{where} {_of_several_kinds(tables, path, key, roles=roles)}")
    return _by_split(tables, split), notes


def absent(place: str) -> str:
    """What to say of a file, folder or archive that is not there; nothing of addresses and patterns."""
    path = Path(place).expanduser()
    return "" if path.exists() or _ADDRESS.match(place) or glob.has_magic(place) else locators.absent(path)


def one(file: Path, key: str, roles: Mapping[str, str]) -> TableFile:
    """A single file, when its name is that of a table; DataError says what is wrong with the path."""
    table, allowed = TableFile.at(file, key), ", ".join(formats(roles))
    if not file.exists():
        raise DataError(key, locators.absent(file))
    if file.is_dir():
        raise DataError(key, f"{file.absolute()} is a folder, a table file ({allowed}) is needed. Name a file in it.")
    if not file.is_file():
        raise DataError(key, f"{file.absolute()} is not a regular file. Write its rows to a file and name that.")
    if table.suffix not in (*formats(roles), ".idx") or (table.suffix == ".idx" and "image" not in roles.values()):
        found = f"ends in {table.suffix!r}" if table.suffix else "has no suffix"
        plain = (" Plain text with one row a line needs a file for each label: name their folder, or a pattern such as "
                 f"'{file.stem}.*'.")
        raise DataError(key, f"{file.name} {found}, allowed are {allowed}, each also as .gz or in a .zip. Save the "
                             "table in one of these formats."
                             f"{plain if 'text' in roles.values() and table.suffix not in _SHEETS else ''}")
    return table


def _of_several_kinds(tables: list[TableFile], place: Path, key: str, *, roles: Mapping[str, str]) -> str:
    """What to say of a place whose files are not all of one format."""
    named = [table.name for table in tables if table.suffix in formats(roles)]
    if len(named) == 1 and "image" in roles.values():
        return (f"holds a table, {named[0]}, and other files. If it names the pictures beside it, set "
                f"{key}={place / named[0]}; if the folders are the labels, move it out.")
    examples = {table.suffix: table.name for table in reversed(tables)}
    return (f"holds files of {len(examples)} kinds, such as {some(examples.values())}. One kind of table is read at a "
            "time. Name one file, or a pattern such as 'FOLDER/*.csv'.")


def _matching(pattern: Path, key: str) -> dict[locators.Parts, str]:
    """The files that fit a pattern, named by their path below its fixed part."""
    names = sorted(glob.glob(str(pattern), recursive=True))  # noqa: PTH207  # Path.glob takes no absolute pattern
    files = [Path(name) for name in names if Path(name).is_file()]
    if not files:
        raise DataError(key, f"{pattern} fits no file. Correct it, or name a file.")
    fixed = next(folder for folder in pattern.parents if not glob.has_magic(str(folder)))
    return {file.relative_to(fixed).parts: str(file) for file in files}


def _words(name: str) -> tuple[str, ...]:
    return tuple(word for word in _WORDS.split(name.casefold()) if word)


def _by_split(tables: list[TableFile], split: str) -> dict[str, list[TableFile]]:
    """Tables whose names tell a split, by it; all of them in `split` where no name does."""
    told = {table: {SPLIT_OF[word] for word in _words(table.name) if word in SPLIT_OF} for table in tables}
    if not any(told.values()):
        return {split: tables}
    unclear = [table.name for table, splits in told.items() if len(splits) != 1]
    if unclear:
        clear = [table.name for table, splits in told.items() if len(splits) == 1]
        beside = f", as {clear[0]} has" if clear else ""
        raise DataError(tables[0].key, f"{len(unclear):,} of {len(tables):,} files have no name that tells one of "
                                       f"train, validation and test{beside}: {some(unclear)}. Name them all so, or "
                                       "none, or give each split its own key (data.files.train, .validation, .test).")
    found: dict[str, list[TableFile]] = {}
    for table, splits in told.items():
        found.setdefault(next(iter(splits)), []).append(table)
    return {name: found[name] for name in SPLITS if name in found}


def _with_labels(found: dict[str, list[TableFile]], where: str) -> dict[str, list[TableFile]]:
    """Plain text files with the label of their rows: the word in which their names differ, words for splits aside."""
    tables = [table for some_tables in found.values() for table in some_tables]
    spelt = {table: [word for word in re.split(r"[\W_]+", table.name) if word and word.casefold() not in SPLIT_OF]
             for table in tables}
    lengths = {len(words) for words in spelt.values()}
    places = [place for place in range(min(lengths)) if len({words[place] for words in spelt.values()}) > 1]
    if len(lengths) > 1 or len(places) != 1:
        raise DataError(tables[0].key, f"{where} holds {len(tables):,} files that are no tables: "
                                       f"{some([table.name for table in tables])}. Allowed are {', '.join(FORMATS)}, "
                                       "and plain text with one row a line in one file for each label, whose names "
                                       "differ in one word, as pos.txt and neg.txt. Rename them, or write a table.")
    return {split: [TableFile(table.name, table.locator, table.key, spelt[table][places[0]]) for table in some_tables]
            for split, some_tables in found.items()}
