#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes ocsf_schema.json: the parts of OCSF that our documents fill, for ocsf_test.c.

Usage: ocsf_schema.py DOCUMENTS VERSION=CHECKOUT...

CHECKOUT is a work tree of https://github.com/ocsf/ocsf-schema (Apache-2.0): commit 3dcb905d for
1.8.0, a5cfc68e for 1.9.0-dev.  The PyPI package ocsf-lib compiles it.  DOCUMENTS is what
`OCSF_DOCUMENTS=DOCUMENTS test_shape_ocsf` wrote.  An attribute of a class or an object is kept
when a document has it or the schema requires it, with its type, its values if they are few, and
the profile that it belongs to.
"""

import json
import pathlib
import subprocess
import sys

ENUM_MAX = 48
# ocsf-lib adds these to all classes; they belong to profiles that we do not claim.
CLAIMED = {None, "host", "security_control", "ai_operation"}


def raw_constraints(checkout):
    """Name to at_least_one.  ocsf-lib lets an object inherit what it replaces."""
    found = {}
    for folder in ("objects", "events"):
        for path in (checkout / folder).rglob("*.json"):
            item = json.loads(path.read_text())
            found[item.get("name", path.stem)] = (item.get("extends"), item.get("constraints"))

    def look_up(name):
        extends, own = found.get(name, (None, None))
        if own is not None or extends is None:
            return (own or {}).get("at_least_one")
        return look_up(extends)

    return look_up


class Pruner:
    def __init__(self, schema, at_least_one):
        self.schema = schema
        self.at_least_one = at_least_one
        self.objects = {}
        self.classes = {}

    def required(self, definition):
        return sorted(name for name, item in definition["attributes"].items()
                      if item.get("requirement") == "required" and
                      item.get("profile") in CLAIMED)

    def add(self, kept, name, definition, value):
        """Adds to `kept` what `value` has of the definition."""
        for attribute in set(value) | set(self.required(definition)):
            if attribute not in definition["attributes"]:
                print(f"{name} has no {attribute}", file=sys.stderr)
                continue
            self.add_attribute(kept, attribute, definition["attributes"][attribute],
                               value.get(attribute))

    def add_attribute(self, kept, name, item, value):
        type_name = item.get("object_type") or item["type"]
        row = kept.setdefault(name, {"type": type_name})
        if item.get("is_array"):
            row["is_array"] = True
        if item.get("profile") and item.get("requirement") != "required":
            row["profile"] = item["profile"]
        if item.get("enum") and len(item["enum"]) <= ENUM_MAX:
            row["enum"] = sorted(item["enum"])
        if type_name not in self.schema["objects"] or type_name == "object":
            return
        definition = self.schema["objects"][type_name]
        new = self.objects.setdefault(type_name, self.empty(type_name, definition))
        for inner in value if isinstance(value, list) else [value or {}]:
            self.add(new["attributes"], type_name, definition, inner)

    def empty(self, name, definition):
        one_of = self.at_least_one(name)
        row = {"required": self.required(definition), "attributes": {}}
        return dict(row, at_least_one=one_of) if one_of else row

    def add_document(self, document):
        for name, definition in self.schema["classes"].items():
            if definition["uid"] == document["class_uid"]:
                row = self.empty(name, definition)
                row["caption"] = definition["caption"]
                row = self.classes.setdefault(str(definition["uid"]), row)
                self.add(row["attributes"], name, definition, document)


def main():
    result = {}
    documents = [json.loads(line) for line in open(sys.argv[1])]
    for argument in sys.argv[2:]:
        version, checkout = argument.split("=", 1)
        schema = json.loads(subprocess.check_output([sys.executable, "-m", "ocsf.compile",
                                                     checkout]))
        pruner = Pruner(schema, raw_constraints(pathlib.Path(checkout)))
        for document in documents:
            if document["metadata"]["version"] == version:
                pruner.add_document(document)
        result[version] = {"version": version, "classes": pruner.classes,
                           "objects": pruner.objects}
    path = pathlib.Path(__file__).with_name("ocsf_schema.json")
    path.write_text(json.dumps(result, sort_keys=True, indent=1) + "\n")


if __name__ == "__main__":
    main()
