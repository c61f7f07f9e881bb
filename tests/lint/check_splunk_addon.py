#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The add-on in deploy/splunk names source types, fields and tags that there are.

What there is stands in docs/SCHEMA.md, docs/SHAPES.md and docs/CONFIGURATION.md, which are made from
the tables that the exporter writes by.  Usage: check_splunk_addon.py [ROOT].  Exit code 1: it does not.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

# What each data model looks for, as the Common Information Model documents it.
MODEL_TAGS = {
    "Endpoint.Processes": {"process", "report"},
    "Endpoint.Filesystem": {"endpoint", "filesystem"},
    "Network Traffic": {"network", "communicate"},
    "Web": {"web"},
    "Change": {"change"},
    "Authentication": {"authentication"},
    "Alerts": {"alert"},
    "Data Access": {"data", "access"},
}
PROPS = {"TRUNCATE": "0", "KV_MODE": "json", "TIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%9NZ"}
OF_SPLUNK = {"_time", "host", "source", "sourcetype", "index", "eventtype", "count", "last", "sessions", "limit"}
FIELD_BEFORE = re.compile(r"([A-Za-z_][\w.]*)\s*=")
COMMANDS = {"stats", "table", "dedup", "sort", "search", "timechart", "convert", "by", "as", "latest", "dc", "ctime"}


def read_conf(path):
    stanzas, name = {}, None
    for number, line in enumerate(path.read_text().split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            if name in stanzas:
                raise ValueError(f"{path}:{number}: [{name}] stands there twice")
            stanzas[name] = {}
            continue
        key, equals, value = line.partition("=")
        if not equals or name is None:
            raise ValueError(f"{path}:{number}: neither stanza nor setting")
        stanzas[name][key.strip()] = value.strip()
    return stanzas


def first_cells(text):
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.M))


class Known:
    def __init__(self, docs):
        schema, shapes = (docs / "SCHEMA.md").read_text(), (docs / "SHAPES.md").read_text()
        cells = first_cells(schema)
        rows = re.findall(r"^\| `(agent\.\w+)` \|(?=.*\| (?:start|end|point))", schema, re.M)
        self.kinds = {kind for kind in rows}
        self.sourcetypes = {"telltale:" + k.replace(".", ":") for k in self.kinds} | {"telltale:other"}
        self.fields = cells | first_cells(shapes[shapes.index("\n## cim"):]) | {"body"} | OF_SPLUNK
        options = (docs / "CONFIGURATION.md").read_text()
        listed = re.search(r"called telltale_NAME there: ([a-z_, \n]+)\.", options)
        self.indexed = {"telltale_" + n.strip() for n in listed.group(1).split(",")}
        self.fields |= self.indexed


def search_words(query):
    """The fields that a search names."""
    query = re.sub(r'"[^"]*"|\$[^$]*\$', " ", query)
    found = set(FIELD_BEFORE.findall(query))
    for piece in query.split("|")[1:]:
        found |= {w for w in re.findall(r"[A-Za-z_][\w.]*", piece) if w not in COMMANDS}
    return found


def check_searches(where, query, known, eventtypes, found):
    for field in sorted(search_words(query) - known.fields - eventtypes):
        if not field.startswith("telltale"):
            found.append(f"{where}: no event has the field '{field}'")
    for sourcetype in re.findall(r"sourcetype=(\S+?)\)?(?:\s|$)", query):
        if sourcetype not in known.sourcetypes and sourcetype != "telltale:*":
            found.append(f"{where}: there is no source type '{sourcetype}'")
    for eventtype in re.findall(r"eventtype=(\w+)", query):
        if eventtype not in eventtypes:
            found.append(f"{where}: there is no event type '{eventtype}'")


def problems(root):
    known, found = Known(root / "docs"), []
    base = root / "deploy/splunk/TA-telltale/default"
    if len(known.kinds) < 20 or len(known.indexed) < 10:
        return ["the documents are not as this expects them"]
    conf = {path.name: read_conf(path) for path in sorted(base.glob("*.conf*"))}
    props, eventtypes = conf["props.conf"], conf["eventtypes.conf"]
    for name in sorted(set(props) ^ known.sourcetypes):
        found.append(f"props.conf: [{name}] " + ("is no source type" if name in props else "is missing"))
    for name, stanza in props.items():
        found += [f"props.conf: [{name}] {key} is not {value}" for key, value in PROPS.items()
                  if stanza.get(key) != value]
    for name in sorted(set(conf["fields.conf"]) ^ known.indexed):
        found.append(f"fields.conf: [{name}] " + ("is no indexed field" if name in conf["fields.conf"]
                                                  else "is missing"))
    for name, stanza in eventtypes.items():
        check_searches(f"eventtypes.conf: [{name}]", stanza["search"], known, set(eventtypes), found)
    tagged = {name.removeprefix("eventtype="): {t for t, v in tags.items() if v == "enabled"}
              for name, tags in conf["tags.conf"].items()}
    for name in sorted(set(tagged) ^ (set(eventtypes) - {"telltale_events"})):
        found.append(f"tags.conf: [eventtype={name}] " + ("is no event type" if name in tagged
                                                          else "is missing"))
    for model, tags in MODEL_TAGS.items():
        if tags not in tagged.values():
            found.append(f"tags.conf: nothing is tagged for {model}")
    for path in sorted(base.rglob("*.xml")):
        for query in ElementTree.parse(path).iter("query"):
            check_searches(path.name, query.text, known, set(eventtypes), found)
    return found


def main():
    found = problems(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
