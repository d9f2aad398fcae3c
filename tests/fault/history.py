"""What a run left, judged: does its history keep the promises, whatever was done to its nodes?

The journal is read here by docs/journal.md alone, not by mnp's own code. `check` gives a list of
faults in words; an empty one is the proof. The commands of the run are those of `witness.py`.
"""

import json
from collections import Counter
from pathlib import Path

CRC_BYTES = 19  # ,"crc":"CCCCCCCC"} and a newline


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


class Journal:
    """One attempt: its lines up to a seal, and what is damaged in it."""

    def __init__(self, folder):
        self.name = folder.parent.name
        self.events, self.damage, self.sealed_by = [], [], None
        for number, segment in enumerate(sorted(folder.glob("*.jsonl")), start=1):
            if int(segment.stem) != number:
                self.damage.append(f"{self.name}: segment {number} is missing")
                break
            for line in segment.read_bytes().splitlines(keepends=True):
                if self.sealed_by is None:
                    self._read(segment.name, line)
        # An owner that was superseded before its first commit has the seal alone.
        if (self.events or self.sealed_by is None) and \
                [each["e"] for each in self.events[:1]] != ["begun"]:
            self.damage.append(f"{self.name}: does not begin with `begun`")
        self.owner = self.events[0].get("owner", 0) if self.events else 0

    def _read(self, segment, line):
        if line[-CRC_BYTES:] != f',"crc":"{crc32c(line[:-CRC_BYTES]):08x}"}}\n'.encode():
            self.damage.append(f"{self.name}/{segment}: wrong checksum: {line[:80]!r}")
            return
        event = json.loads(line)
        if event["e"] == "sealed":
            self.sealed_by = event["by"]
        elif event["n"] != len(self.events) + 1:
            self.damage.append(f"{self.name}/{segment}: line {event['n']} out of its place")
        else:
            self.events.append(event)


class History:
    """Everything that a stage's folder and the witness of its commands say."""

    def __init__(self, stage, witness, total):
        self.stage, self.total = Path(stage), total
        folders = sorted((self.stage / "attempts").glob("*/journal"))
        # An attempt that ended before it owned the stage has written nothing.
        self.journals = sorted((Journal(each) for each in folders if any(each.glob("*.jsonl"))),
                               key=lambda journal: journal.owner)
        text = self.stage / "results.jsonl"
        self.results = [json.loads(line) for line in text.read_text().splitlines()] \
            if text.exists() else []
        self.witness = witness

    def records(self):
        for journal in self.journals:
            for event in journal.events:
                if event["e"] == "record":
                    yield journal, event

    def outcomes(self):
        """command -> (journal, record), by the rules of docs/journal.md for runs without damage."""
        outcome = {}
        for journal, record in self.records():
            held = outcome.get(record["command"])
            if held is None or held[1].get("exit") != 0:
                outcome[record["command"]] = (journal, record)
        return outcome


def check(history, success=True, overlaps=True):
    """The list of broken promises. success: the run was said to have ended with 0.
    overlaps: False where a frozen machine thawed: it runs on until its keeper has looked."""
    problems = []
    for journal in history.journals:
        problems += journal.damage
        problems += _check_deals(journal)
    problems += _check_owners(history)
    problems += _check_outcomes(history, success)
    for journal, record in history.outcomes().values():
        if record.get("exit") == 0:
            problems += _check_output(history, journal, record)
            problems += _check_files(history, record)
    if overlaps:
        problems += [f"ran twice at the same time: {each}" for each in history.witness.overlaps()]
    return problems


def _check_deals(journal):
    """Records come from incarnations that are there, of starts that were dealt to them."""
    problems, alive, dealt, seen = [], {}, set(), set()
    for event in journal.events:
        node = (event.get("node"), event.get("incarnation"))
        where = f"{journal.name} line {event['n']}"
        if event["e"] == "joined":
            if alive.get(node[0], 0) >= node[1]:
                problems.append(f"{where}: node {node[0]} joined as {node[1]} after "
                                f"{alive[node[0]]}")
            alive[node[0]] = node[1]
        elif event["e"] == "lost":
            alive[node[0]] = 0 if alive.get(node[0]) == node[1] else alive.get(node[0], 0)
        elif event["e"] == "dealt":
            if alive.get(node[0]) != node[1]:
                problems.append(f"{where}: dealt to {node}, which is not there")
            dealt |= {(node, command, start) for command, start, _ in event["items"]}
        elif event["e"] == "record":
            start = (node, event["command"], event["start"])
            if alive.get(node[0]) != node[1]:
                problems.append(f"{where}: a record of {node}, which is not there")
            if start not in dealt:
                problems.append(f"{where}: a record of {start}, which was not dealt")
            if start in seen:
                problems.append(f"{where}: a second record of {start}")
            seen.add(start)
    return problems


def _check_owners(history):
    """Every journal but the last has a goodbye or a seal; no two have one owner."""
    problems = []
    owners = Counter(journal.owner for journal in history.journals)
    problems += [f"owner {owner} has {count} journals" for owner, count in owners.items()
                 if count > 1]
    for journal in history.journals[:-1]:
        if journal.sealed_by is None:
            problems.append(f"{journal.name} was followed without a seal")
    return problems


def _check_outcomes(history, success):
    """One outcome a command, the same in results.jsonl; what was kept is not dealt again."""
    problems, kept = [], {}
    for journal in history.journals:
        for event in journal.events:
            if event["e"] == "record" and event.get("exit") == 0:
                kept.setdefault(event["command"], (journal.name, event["n"]))
            for command, start, _ in event.get("items", []):
                if command in kept:
                    problems.append(f"{journal.name} line {event['n']}: start {start} of {command}"
                                    f" was dealt after its success in {kept[command]}")
    if not success:
        return problems
    if [each["index"] for each in history.results] != list(range(history.total)):
        problems.append(f"results.jsonl has {len(history.results)} of {history.total} lines")
    outcomes = history.outcomes()
    for result in history.results:
        index = result["index"]
        if result["state"] != "succeeded":
            problems.append(f"{index} {result['state']} in a run that succeeded")
        elif index not in outcomes or outcomes[index][1].get("exit") != 0:
            problems.append(f"{index} succeeded in results.jsonl, in no journal")
        elif index not in history.witness.ends():
            problems.append(f"{index} succeeded and never came to its end")
    return problems


def _check_output(history, journal, record):
    """The bytes that the record names are there, and are those of its own start."""
    segment, offset, length = record.get("output", [0, 0, 0])[:3]
    folder = history.stage / "attempts" / journal.name / \
        f"output/node-{record['node']:04}.{record['incarnation']}"
    wanted = history.witness.output(record["command"], record["start"])
    found, rest = b"", length
    while rest > 0 and (folder / f"{segment:08}.log").exists():
        stream = (folder / f"{segment:08}.log").read_bytes()
        for line in (folder / f"{segment:08}.idx").read_text().splitlines():
            at, size, command, start = (int(word) for word in line.split()[:4])
            if (command, start) == (record["command"], record["start"]) and at >= offset:
                found += stream[at:at + size]
                rest -= size
        segment, offset = segment + 1, 0
    if found != wanted:
        return [f"the output of {record['command']} start {record['start']} on {folder.name} is "
                f"{found!r}, not {wanted!r}"]
    return []


def _check_files(history, record):
    problems = []
    wanted = history.witness.file(record["command"], record["start"])
    if [entry[0] for entry in record.get("files", [])] != [wanted[0]]:
        problems.append(f"the record of {record['command']} names {record.get('files')}")
    for path, size, checksum, *_ in record.get("files", []):
        file = history.stage / "results" / path
        data = file.read_bytes() if file.exists() else None
        if data is None:
            problems.append(f"results/{path} is not there")
        elif len(data) != size or f"{crc32c(data):08x}" != checksum:
            problems.append(f"results/{path} is not what the record of {record['command']} says")
        elif data != wanted[1]:
            problems.append(f"results/{path} holds {data!r}, not {wanted[1]!r}")
    return problems
