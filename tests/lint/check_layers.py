#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: the table of docs/ARCHITECTURE.md, checked.

Usage: check_layers.py [ROOT].  Prints each include that breaks a rule; exit code 1 if any does.
"""

import pathlib
import re
import sys

# A layer may include itself, include/telltale, and what stands here.
BASE = {"util"}
MAY_INCLUDE = {
    "util": set(),
    "loop": BASE,
    "wire": BASE,
    "config": BASE,
    "metrics": BASE,
    "client": BASE,
    "net": BASE,
    "http": BASE,
    "normalize": BASE | {"wire", "metrics"},
    "journal": BASE | {"wire", "metrics"},
    "shape": BASE | {"wire", "normalize"},
    "integrity": BASE | {"wire"},
    "attest": BASE | {"integrity", "shape"},
    "receivers": BASE | {"wire", "metrics", "loop", "net", "normalize", "journal"},
    "deliver": BASE | {"wire", "metrics", "journal"},
    "index": BASE | {"wire"},
    "store": BASE | {"wire", "integrity", "index"},
    "verify": BASE | {"wire", "integrity", "index", "store"},
    "bundle": BASE | {"wire", "integrity", "index", "store", "verify"},
    "query": BASE | {"wire", "store", "normalize"},
    "retain": BASE | {"wire", "normalize", "store", "query"},
    "install": BASE | {"wire"},
}
PROGRAMS = {"telltaled", "telltale", "telltale-hook"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def allowed(layer, target):
    return target == "telltale" or target == layer or target in MAY_INCLUDE.get(layer, set())


def layer_of(root, path):
    parts = path.relative_to(root).parts
    if parts[0] == "exporters":
        return "exporters"
    if parts[0] == "include":
        return "include"
    return parts[1]


def violations(root):
    found = []
    names = {}
    for top in ("src", "include", "exporters"):
        for path in sorted((root / top).rglob("*.[ch]")):
            names.setdefault(path.name, []).append(path)
            layer = layer_of(root, path)
            if layer in PROGRAMS:
                continue
            if layer not in MAY_INCLUDE and layer not in ("exporters", "include"):
                found.append(f"{path}: '{layer}' is no layer of docs/ARCHITECTURE.md")
                continue
            for include in INCLUDE.findall(path.read_text()):
                target = include.split("/")[0] if "/" in include else None
                own = layer == "exporters" and (path.parent / include).exists()
                if target == "telltale" or own:
                    continue
                if target is None or layer in ("exporters", "include") or not allowed(layer, target):
                    found.append(f'{path}: "{include}" is not for {layer} to include')
    for name, paths in names.items():
        if len(paths) > 1 and name not in ("main.c",):
            found.append(f"{name} stands {len(paths)} times: base names are unique")
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = violations(root)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
