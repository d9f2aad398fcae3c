#!/usr/bin/env python3
"""docs/pipeline.schema.json against tests/model/spec_cases: it accepts every valid file, and refuses
the invalid ones but for those that say `# schema: accepts` (no schema can say what is wrong)."""
import json
import pathlib
import sys

SKIPPED = 77
try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(SKIPPED)


def main(schema_path, cases):
    schema = json.loads(pathlib.Path(schema_path).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    files = sorted(pathlib.Path(cases).glob("*.yaml"))
    wrong = [] if len(files) > 10 else ["there are no cases"]
    for file in files:
        text = file.read_text()
        valid = not file.with_suffix(".err").exists() or "# schema: accepts" in text
        try:
            errors = [error.message for error in validator.iter_errors(yaml.safe_load(text))]
        except yaml.YAMLError as error:
            errors = [str(error)]
        if valid and errors:
            wrong.append(f"{file.name}: refused: {errors[0]}")
        if not valid and not errors:
            wrong.append(f"{file.name}: accepted, but the parser refuses it")
    print("\n".join(wrong) or f"{len(files)} cases agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
