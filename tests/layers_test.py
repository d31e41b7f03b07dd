#!/usr/bin/env python3
"""Holds the includes of src/ to the floors that CMake names, and files to their length.

usage: layers_test.py ROOT | layers_test.py --self-test
"""
import pathlib
import re
import sys
import tempfile

MOST_LINES = 600
FLOOR = re.compile(r"onmal_floor\((\w+)((?:\s+USES[\w\s]*?)?)(?:\s+(?:LIBRARIES|EXCLUDE)[^)]*)?\)")
INCLUDE = re.compile(r'^\s*#include\s+"([a-z]+)/[^"]+"')


def read_floors(root):
    text = "\n".join(
        re.sub(r"#.*", "", path.read_text())
        for path in [root / "src/CMakeLists.txt", *sorted((root / "src").glob("*/*.cmake"))]
    )
    floors = {}
    for name, uses in FLOOR.findall(text):
        floors[name] = set(uses.replace("USES", " ").split())
    return floors


def find_faults(root):
    floors = read_floors(root)
    faults = []
    if len(floors) < 2:
        return ["no floors found in src/CMakeLists.txt"]
    for name, uses in floors.items():
        for other in uses - floors.keys():
            faults.append(f"floor {name} uses the unknown floor {other}")
    for one, other in (("train", "infer"), ("infer", "train")):
        if other in floors.get(one, ()):
            faults.append(f"{one} must not see {other}")
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        floor = path.relative_to(root / "src").parts[0]
        if floor not in floors:
            faults.append(f"{path}: the folder {floor} is no floor")
            continue
        lines = path.read_text().splitlines()
        if len(lines) > MOST_LINES:
            faults.append(f"{path}: {len(lines)} lines, at most {MOST_LINES}")
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match and match.group(1) != floor and match.group(1) not in floors[floor]:
                faults.append(f"{path}:{number}: {floor} may not use {match.group(1)}")
    return faults


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {
            "src/CMakeLists.txt": "onmal_floor(base)\nonmal_floor(tensor USES base LIBRARIES x)\nonmal_floor(ops USES tensor)\n",
            "src/base/a.h": '#include "tensor/b.h"\n',
            "src/tensor/b.h": '#include "base/a.h"\n',
            "src/ops/c.cc": '#include "base/a.h"\n#include "tensor/b.h"\n',
            "src/lost/d.cc": "\n",
            "src/ops/long.cc": "\n" * (MOST_LINES + 1),
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        faults = "\n".join(find_faults(root))
        expected = ["base may not use tensor", "ops may not use base", "the folder lost is no floor", "at most 600"]
        missing = [text for text in expected if text not in faults]
        if missing or faults.count("\n") + 1 != len(expected):
            print(f"self-test: missing {missing} in:\n{faults}")
            return 1
    print("self-test: every planted fault was found, and nothing else")
    return 0


def main():
    if sys.argv[1] == "--self-test":
        return self_test()
    faults = find_faults(pathlib.Path(sys.argv[1]))
    print("\n".join(faults) or "every include follows the table")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
