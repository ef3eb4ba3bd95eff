#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""docs/sluice.schema.json, asked by a real validator: every good file is valid, and of the broken
ones every one is not that a schema can see to be broken."""
import json
import pathlib
import re
import sys

import jsonschema
import yaml

root = pathlib.Path(__file__).resolve().parents[2]

# What only sluice sees: the reader's rules that YAML itself does not have, and what one part of the
# file says of another.
BEYOND_A_SCHEMA = {
    "anchor", "tag", "duplicate_key",
    "backend_apart", "duplicate_service", "filters", "nat_replies", "options_apart",
    "overlapping_prefix", "same_endpoint",
}

passed = failed = 0


def check(sentence, good, seen=""):
    global passed, failed
    passed, failed = passed + good, failed + (not good)
    if not good:
        print(f"not ok - {sentence}\n#   {seen}")


def complaints(document):
    return [error.message for error in validator.iter_errors(document)]


schema = json.loads((root / "docs/sluice.schema.json").read_text())
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)

good = {path.name: path.read_text() for path in sorted((root / "docs/examples").glob("*.yaml"))}
for page in sorted((root / "docs").rglob("*.md")):
    for count, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)):
        good[f"{page.relative_to(root)}, block {count + 1}"] = block
for name, text in good.items():
    seen = complaints(yaml.safe_load(text))
    check(f"{name} is valid", not seen, seen)

for path in sorted((root / "tests/unit/broken").glob("*.yaml")):
    try:
        document = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError):
        continue  # not YAML, so nothing that a schema is asked about
    seen = complaints(document)
    if path.stem in BEYOND_A_SCHEMA:
        check(f"{path.name} is beyond a schema", not seen, f"the schema sees it: {seen}")
    else:
        check(f"{path.name} is not valid", bool(seen), "the schema has nothing against it")

print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed != 0)
