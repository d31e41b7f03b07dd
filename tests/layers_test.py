#!/usr/bin/env python3
"""Holds the includes of src/ to the floors that CMake names, docs/DESIGN.md to CMake, and files to their length.

usage: layers_test.py ROOT | layers_test.py --self-test
"""
import pathlib
import re
import sys
import tempfile

MOST_LINES = 600
STRANGERS = ("train", "infer")  # these two must never see each other
SOURCES = (".h", ".cc")
LENGTH_CHECKED = (*SOURCES, ".py", ".mjs", ".sh", ".cmake")
LENGTH_FOLDERS = ("src", "tests", "bench", "fuzz", "cmake", "scripts", "recipes")
KEYWORDS = ("USES", "LIBRARIES", "EXCLUDE", "TEST_LIBRARIES", "ALONE")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_floors(root):
    """The floors in CMake's order, each with the set it names."""
    lines = []
    for line in (root / "src/CMakeLists.txt").read_text().splitlines():
        included = re.match(r"\s*include\(([\w/]+\.cmake)\)", line)
        lines += (root / "src" / included.group(1)).read_text().splitlines() if included else [line]
    text = "\n".join(re.sub(r"#.*", "", line) for line in lines)
    floors = {}
    # Not `function(onmal_floor …`, and a bracket inside quotes ends nothing.
    for call in re.findall(r'(?<!\()\bonmal_floor\(((?:[^()"]|"[^"]*")*)\)', text):
        name, *words = re.findall(r'"[^"]*"|\S+', call)
        uses, keyword = set(), None
        for word in words:
            if word in KEYWORDS:
                keyword = word
            elif keyword == "USES":
                uses.add(word)
        floors[name] = uses
    return floors


def floor_faults(floors):
    faults = []
    if len(floors) < 2:
        faults.append("src/CMakeLists.txt: no floors found")
    earlier = set()
    for name, uses in floors.items():
        for other in sorted(uses - earlier):
            # CMake links only what exists by then, so a floor named too early would be silently left out.
            kind = "a later floor" if other in floors else "no floor"
            faults.append(f"src/CMakeLists.txt: {name} uses {other}, {kind}")
        earlier.add(name)
    for one, other in (STRANGERS, STRANGERS[::-1]):
        if other in floors.get(one, ()):
            faults.append(f"src/CMakeLists.txt: {one} must not see {other}")
    return faults


def include_faults(root, floors, arrows):
    """`arrows` collects what was found: (floor, other floor) -> number of includes."""
    faults = []
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in SOURCES:
            continue
        place = path.relative_to(root)
        floor = place.parts[1]
        if floor not in floors:
            faults.append(f"{place}: the folder {floor} is no floor")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            first, _, rest = match.group(2).partition("/")
            if match.group(1) == "<" and not (rest and first in floors):
                continue  # a system header
            where = f"{place}:{number}"
            if not (root / "src" / match.group(2)).is_file():
                faults.append(f'{where}: "{match.group(2)}" is no path from src/')
            elif first != floor:
                arrows[floor, first] = arrows.get((floor, first), 0) + 1
                if {floor, first} == set(STRANGERS):
                    faults.append(f"{where}: {floor} must not see {first}")
                elif first not in floors[floor]:
                    faults.append(f"{where}: {floor} may not use {first}")
    return faults


def design_faults(root, floors):
    """The table `| folder | lives there | may use |` of docs/DESIGN.md."""
    rows, faults, inside = {}, [], False
    for line in (root / "docs/DESIGN.md").read_text().splitlines():
        cells = [cell.strip().strip("`/") for cell in line.strip("| ").split("|")]
        if cells == ["folder", "lives there", "may use"]:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not cells[0].startswith("-"):
            rows[cells[0]] = {floor for floor in cells[-1].split() if floor != "–"}
    for name in [*floors, *(rows.keys() - floors.keys())]:
        if name not in rows:
            faults.append(f"docs/DESIGN.md: the table lacks {name}")
        elif name not in floors:
            faults.append(f"docs/DESIGN.md: {name} is no floor in CMake")
        elif rows[name] != floors[name]:
            differ = " ".join(sorted(rows[name] ^ floors[name]))
            faults.append(f"docs/DESIGN.md: {name} differs from CMake in: {differ}")
    return faults


def length_faults(root):
    faults, longest = [], (0, "")
    for folder in LENGTH_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if "node_modules" in path.parts:
                continue
            if path.suffix in LENGTH_CHECKED or path.name == "CMakeLists.txt":
                lines = path.read_text().count("\n")
                place = path.relative_to(root)
                longest = max(longest, (lines, str(place)))
                if lines > MOST_LINES:
                    faults.append(f"{place}: {lines} lines, at most {MOST_LINES}")
    return faults, longest


def check(root):
    """(faults, report)"""
    floors = read_floors(root)
    arrows = {}
    faults = floor_faults(floors) + include_faults(root, floors, arrows) + design_faults(root, floors)
    too_long, longest = length_faults(root)
    report = [f"{len(floors)} floors, {sum(arrows.values())} includes between them:"]
    for name, uses in floors.items():
        used = [f"{other} {arrows[name, other]}" for other in floors if (name, other) in arrows]
        idle = sorted(other for other in uses if (name, other) not in arrows)
        note = f"   (named, not included: {' '.join(idle)})" if idle else ""
        report.append(f"  {name:10} {', '.join(used) or '–'}{note}")
    report.append(f"longest file: {longest[1]}, {longest[0]} lines")
    return faults + too_long, report


GOOD_TREE = {
    "src/CMakeLists.txt": "onmal_floor(base)\n"
    "include(kernels/kernels.cmake)  # onmal_floor(ghost USES base)\n"
    "onmal_floor(tensor USES base TEST_LIBRARIES pcre2-8)\n"
    "onmal_floor(ops\n  USES tensor kernels\n  LIBRARIES x::y)\n"
    "onmal_floor(train USES base)\nonmal_floor(infer USES base EXCLUDE \"/(a|b)\\\\.cc$\")\n",
    "src/kernels/kernels.cmake": 'onmal_floor(kernels USES base EXCLUDE "/vector/")\n',
    "src/base/a.h": "#include <vector>\n#include <sys/stat.h>\n",
    "src/kernels/vector/k.cc": '#include "base/a.h"\n',
    "src/tensor/b.h": '#include "base/a.h"\n',
    "src/ops/c.cc": '#include "kernels/k.h"\n#include "tensor/b.h"\n',
    "src/kernels/k.h": "",
    "src/train/t.h": '#include "base/a.h"\n',
    "src/infer/i.h": "",
    "src/infer/i.cc": "\n" * MOST_LINES,
    "docs/DESIGN.md": "| folder | lives there | may use |\n|---|---|---|\n| base | x | – |\n| `kernels/` | x | base |\n"
    "| tensor | x | base |\n| ops | x | tensor kernels |\n| train | x | base |\n| infer | x | base |\n\n"
    "| `chat` | talk | `text` |\n",
}

# What is changed in the good tree, and the one fault that must be found then.
PLANTED = {
    "an upward arrow": ({"src/base/a.h": '#include "tensor/b.h"\n'}, "base may not use tensor"),
    "a transitive floor": ({"src/ops/c.cc": '#include "base/a.h"\n'}, "src/ops/c.cc:1: ops may not use base"),
    "in a test": ({"src/tensor/b_test.cc": '\n#include "ops/c.cc"\n'}, "b_test.cc:2: tensor may not use ops"),
    "angle brackets": ({"src/ops/c.cc": "#  include <base/a.h>\n"}, "ops may not use base"),
    "a relative path": ({"src/ops/c.cc": '#include "../base/a.h"\n'}, "is no path from src/"),
    "train sees infer": ({"src/train/t.h": '#include "infer/i.h"\n'}, "train must not see infer"),
    "infer sees train": ({"src/infer/i.h": '#include "train/t.h"\n'}, "infer must not see train"),
    "a folder without a floor": ({"src/lost/d.cc": "\n"}, "the folder lost is no floor"),
    "a long file": ({"src/infer/i.cc": "\n" * (MOST_LINES + 1)}, f"i.cc: {MOST_LINES + 1} lines, at most"),
    "a long script": ({"tests/x.py": "\n" * (MOST_LINES + 1)}, "tests/x.py: "),
    "CMake links strangers": (
        {
            "src/CMakeLists.txt": GOOD_TREE["src/CMakeLists.txt"].replace("infer USES base", "infer USES base train"),
            "docs/DESIGN.md": GOOD_TREE["docs/DESIGN.md"].replace("infer | x | base", "infer | x | base train"),
        },
        "infer must not see train",
    ),
    "a floor named before it is there": (
        {
            "src/CMakeLists.txt": GOOD_TREE["src/CMakeLists.txt"].replace("(base)", "(base USES ops)"),
            "docs/DESIGN.md": GOOD_TREE["docs/DESIGN.md"].replace("base | x | –", "base | x | ops"),
        },
        "base uses ops, a later floor",
    ),
    "a table that names too much": (
        {"docs/DESIGN.md": GOOD_TREE["docs/DESIGN.md"].replace("train | x | base", "train | x | base tensor")},
        "train differs from CMake in: tensor",
    ),
    "a table without a row": (
        {"docs/DESIGN.md": GOOD_TREE["docs/DESIGN.md"].replace("| ops | x | tensor kernels |\n", "")},
        "the table lacks ops",
    ),
    "a table with a row too many": (
        {"docs/DESIGN.md": GOOD_TREE["docs/DESIGN.md"].replace("\n\n", "\n| attic | x | base |\n\n")},
        "attic is no floor in CMake",
    ),
}


def check_tree(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return check(root)[0]


def self_test():
    missed = []
    if faults := check_tree(GOOD_TREE):
        missed.append(f"the good tree: {faults}")
    for name, (changes, expected) in PLANTED.items():
        faults = check_tree({**GOOD_TREE, **changes})
        if len(faults) != 1 or expected not in faults[0]:
            missed.append(f"{name}: expected '{expected}', found {faults}")
    print("\n".join(missed) or f"self-test: {len(PLANTED)} planted faults, each found and nothing else")
    return 1 if missed else 0


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1] == "--self-test":
        return self_test()
    faults, report = check(pathlib.Path(sys.argv[1]))
    print("\n".join([*report, *faults]))
    print(f"{len(faults)} faults" if faults else "every include follows the table")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
