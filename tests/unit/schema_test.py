#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""docs/sluice.schema.json in a validator: each good file is valid, and each broken file whose error a
schema can express is not."""
import json
import pathlib
import re
import sys

import jsonschema
import yaml

root = pathlib.Path(__file__).resolve().parents[2]

# Errors that only sluice finds: rules of its reader beyond YAML, and relations between keys.
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
        continue  # not YAML, so there is nothing to validate
    seen = complaints(document)
    if path.stem in BEYOND_A_SCHEMA:
        check(f"{path.name} is beyond a schema", not seen, f"the schema refuses it: {seen}")
    else:
        check(f"{path.name} is not valid", bool(seen), "the schema accepts it")

print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed != 0)
