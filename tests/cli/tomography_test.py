"""The example pipeline through `mnp run`: a phantom, and a measured tooth where its data is."""

import array
import json
import math
import unittest
from pathlib import Path

from mnp_case import MNP, MnpCase

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = ROOT / "examples/tomography/pipeline.yaml"
TOOTH = ROOT / "../shared/data/tooth"
SIZE = 640     # of a slice of the tooth
RADIUS = 288   # pixels from its centre that count


def read_f4(path):
    """All values of a little-endian f4 array, and the text of its header."""
    data = Path(path).read_bytes()
    start = 10 + int.from_bytes(data[8:10], "little")
    values = array.array("f")
    values.frombytes(data[start:])
    return values, data[10:start].decode()


def nrmse(out, reference):
    inside = [y * SIZE + x for y in range(SIZE) for x in range(SIZE)
              if (x - SIZE // 2) ** 2 + (y - SIZE // 2) ** 2 <= RADIUS ** 2]
    mean = math.fsum(reference[i] for i in inside) / len(inside)
    spread = math.fsum((reference[i] - mean) ** 2 for i in inside)
    error = math.fsum((out[i] - reference[i]) ** 2 for i in inside)
    return math.sqrt(error / spread)


class Tomography(MnpCase):
    def setUp(self):
        super().setUp()
        self.environment["PATH"] = f"{MNP.parent}:{self.environment['PATH']}"

    def run_pipeline(self, *settings):
        words = [word for setting in settings for word in ("--set", setting)]
        run = self.mnp("run", PIPELINE, *words).stdout.splitlines()[-1]
        self.stages = self.folder / "mnp-runs/runs" / run / "stages"

    def center(self):
        return json.loads((self.stages / "calibrate/results/center.json").read_text())["center"]

    def test_phantom(self):
        self.run_pipeline()
        values, header = read_f4(self.stages / "reconstruct/results/slices/slice-0001.npy")
        self.assertIn("(256, 256)", header)
        self.assertAlmostEqual(self.center(), 256 / 2 + 5.25, delta=0.3)
        skull, outside = values[14 * 256 + 128], values[4 * 256 + 4]
        self.assertGreater(skull, 10 * abs(outside) + 1e-3)
        nodes = [json.loads(line)["node"] for line in
                 (self.stages / "reconstruct/results.jsonl").read_text().splitlines()]
        self.assertEqual(set(nodes), {0, 1, 2, 3}, "every node back-projects")

    @unittest.skipUnless((TOOTH / "projections.npy").exists(), "no ../shared/data/tooth here")
    def test_measured_tooth(self):
        self.run_pipeline(f"data={TOOTH.resolve()}")
        self.assertAlmostEqual(self.center(), 296.0, delta=0.75)
        self.run_pipeline(f"data={TOOTH.resolve()}", "center=296")
        self.assertEqual(self.center(), 296.0)
        reference, _ = read_f4(TOOTH / "reference/fbp_ramlak_skimage_c296_rows0-1.npy")
        for row in range(2):
            out, header = read_f4(self.stages / f"reconstruct/results/slices/slice-{row:04}.npy")
            self.assertIn("'<f4'", header)
            self.assertLessEqual(nrmse(out, reference[row * SIZE ** 2:(row + 1) * SIZE ** 2]), 1e-3)


if __name__ == "__main__":
    unittest.main()
