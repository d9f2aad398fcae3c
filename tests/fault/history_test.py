"""The judge itself: a sound history passes, and each broken promise is found."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

from history import History, check, crc32c
from witness import Witness


class Judge(unittest.TestCase):
    """Two commands; node 1 is lost with the second, which runs again on node 0."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="mnp-judge-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.stage = self.folder / "stage"
        (self.stage / "results").mkdir(parents=True)
        self.witness = Witness(self.folder / "witness")
        self.events = [
            {"e": "begun", "owner": 1},
            {"e": "joined", "node": 0, "incarnation": 1},
            {"e": "joined", "node": 1, "incarnation": 1},
            {"e": "dealt", "node": 0, "incarnation": 1, "items": [[0, 1, "a"]]},
            {"e": "dealt", "node": 1, "incarnation": 1, "items": [[1, 1, "b"]]},
            {"e": "lost", "node": 1, "incarnation": 1},
            self.record(0, 1, offset=0),
            {"e": "dealt", "node": 0, "incarnation": 1, "items": [[1, 2, "b"]]},
            self.record(1, 2, offset=18),
            {"e": "ended", "status": 0}]
        self.results = [{"index": 0, "state": "succeeded"}, {"index": 1, "state": "succeeded"}]
        self.ends = "0 1\n1 2\n"
        self.output = (b"command 0 start 1\ncommand 1 start 2\n",
                       "0 18 0 1 1.5\n18 18 1 2 1.6\n")

    def record(self, index, start, offset):
        name, data = f"{index}.txt", f"{index} {start}\n".encode()
        (self.stage / "results" / name).write_bytes(data)
        return {"e": "record", "command": index, "start": start, "node": 0, "incarnation": 1,
                "exit": 0, "output": [1, offset, 18], "files": [[name, 4, f"{crc32c(data):08x}"]]}

    def write(self, events, attempt="job-1"):
        folder = self.stage / "attempts" / attempt / "journal"
        folder.mkdir(parents=True)
        lines = b""
        for number, event in enumerate(events, start=1):
            head = json.dumps({"n": number, "t": 1.5} | event, separators=(",", ":"))[:-1].encode()
            lines += head + f',"crc":"{crc32c(head):08x}"}}\n'.encode()
        (folder / "00000001.jsonl").write_bytes(lines)
        output = folder.parent / "output/node-0000.1"
        output.mkdir(parents=True)
        (output / "00000001.log").write_bytes(self.output[0])
        (output / "00000001.idx").write_text(self.output[1])
        return folder / "00000001.jsonl"

    def judge(self, **more):
        (self.stage / "results.jsonl").write_text(
            "".join(json.dumps(each) + "\n" for each in self.results))
        (self.witness.folder / "ends").write_text(self.ends)
        return check(History(self.stage, self.witness, 2), **more)

    def assert_found(self, words, **more):
        found = self.judge(**more)
        self.assertTrue([each for each in found if words in each], f"{words!r} not in {found}")

    def test_a_sound_history_passes(self):
        self.write(self.events)
        self.assertEqual(self.judge(), [])

    def test_checksum_is_castagnoli(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)

    def test_a_flipped_byte_is_found(self):
        segment = self.write(self.events)
        data = bytearray(segment.read_bytes())
        data[40] ^= 1
        segment.write_bytes(data)
        self.assert_found("wrong checksum")

    def test_a_missing_line_is_found(self):
        segment = self.write(self.events)
        lines = segment.read_bytes().splitlines(keepends=True)
        segment.write_bytes(b"".join(lines[:4] + lines[5:]))
        self.assert_found("out of its place")

    def test_a_missing_segment_is_found(self):
        segment = self.write(self.events)
        segment.rename(segment.with_name("00000002.jsonl"))
        self.assert_found("segment 1 is missing")

    def test_a_record_of_a_lost_node_is_found(self):
        self.events.insert(6, self.record(1, 1, offset=18) | {"node": 1})
        self.write(self.events)
        self.assert_found("a record of (1, 1), which is not there")

    def test_a_record_that_was_not_dealt_is_found(self):
        del self.events[3]
        self.write(self.events)
        self.assert_found("which was not dealt")

    def test_a_second_record_of_a_start_is_found(self):
        self.events.insert(7, self.events[6])
        self.write(self.events)
        self.assert_found("a second record")

    def test_a_deal_to_a_lost_node_is_found(self):
        self.events[7] = self.events[7] | {"node": 1}
        self.write(self.events)
        self.assert_found("dealt to (1, 1), which is not there")

    def test_an_incarnation_that_comes_back_is_found(self):
        self.events.insert(3, self.events[2])
        self.write(self.events)
        self.assert_found("joined as 1 after 1")

    def test_a_deal_after_the_success_is_found(self):
        self.events.insert(9, self.events[3] | {"items": [[0, 2, "a"]]})
        self.write(self.events)
        self.assert_found("was dealt after its success")

    def test_a_deal_after_the_success_of_an_earlier_attempt_is_found(self):
        self.write(self.events + [{"e": "sealed", "by": 2}])
        self.write([{"e": "begun", "owner": 2}, *self.events[1:4]], "job-2")
        self.assert_found("was dealt after its success in ('job-1'")

    def test_what_stands_after_a_seal_counts_for_nothing(self):
        self.write(self.events[:8] + [{"e": "sealed", "by": 2}, self.events[8]])
        self.write([{"e": "begun", "owner": 2}], "job-2")
        self.assert_found("1 succeeded in results.jsonl, in no journal")

    def test_an_owner_that_had_not_begun_has_a_seal_alone(self):
        self.write([{"e": "sealed", "by": 2}], "job-0")
        self.write(self.events)
        self.assertEqual(self.judge(), [])

    def test_a_journal_without_a_beginning_is_found(self):
        self.write(self.events[1:])
        self.assert_found("does not begin with `begun`")

    def test_an_unsealed_predecessor_is_found(self):
        self.write(self.events)
        self.write([{"e": "begun", "owner": 2}], "job-2")
        self.assert_found("followed without a seal")

    def test_two_owners_with_one_number_are_found(self):
        self.write(self.events + [{"e": "sealed", "by": 1}])
        self.write([{"e": "begun", "owner": 1}], "job-2")
        self.assert_found("owner 1 has 2 journals")

    def test_a_lost_command_is_found(self):
        del self.results[1]
        self.write(self.events)
        self.assert_found("1 of 2 lines")

    def test_a_failure_in_a_success_is_found(self):
        self.results[1]["state"] = "failed"
        self.write(self.events)
        self.assert_found("1 failed in a run that succeeded")

    def test_a_success_that_never_ended_is_found(self):
        self.ends = "0 1\n"
        self.write(self.events)
        self.assert_found("never came to its end")

    def test_missing_output_is_found(self):
        self.output = (self.output[0], "0 18 0 1 1.5\n")
        self.write(self.events)
        self.assert_found("the output of 1 start 2")

    def test_output_of_another_start_is_found(self):
        self.output = (self.output[0].replace(b"start 2", b"start 1"), self.output[1])
        self.write(self.events)
        self.assert_found("the output of 1 start 2")

    def test_a_missing_result_is_found(self):
        self.write(self.events)
        (self.stage / "results/1.txt").unlink()
        self.assert_found("results/1.txt is not there")

    def test_a_result_of_another_start_is_found(self):
        self.write(self.events)
        (self.stage / "results/1.txt").write_text("1 1\n")
        self.assert_found("results/1.txt is not what the record")

    def test_a_command_that_ran_twice_at_once_is_found(self):
        self.write(self.events)
        (self.witness.folder / "overlaps").write_text("1 start 2 on node 0\n")
        self.assert_found("ran twice at the same time")
        self.assertEqual(self.judge(overlaps=False), [])


if __name__ == "__main__":
    unittest.main()
