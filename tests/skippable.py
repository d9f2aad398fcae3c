"""Runs a script of unittest cases, for ctest: skippable.py SCRIPT [unittest's words]

Exit status 77, which ctest shows as skipped, when every test was skipped; 5 when there was none.
"""

import os
import runpy
import sys
import unittest

SKIPPED, NO_TESTS = 77, 5


class Program(unittest.TestProgram):
    def runTests(self):
        self.exit = False
        super().runTests()
        result = self.result
        if not result.wasSuccessful():
            sys.exit(1)
        skipped = {str(getattr(test, "test_case", test)) for test, _ in result.skipped}
        if skipped and len(skipped) >= result.testsRun:
            sys.exit(SKIPPED)
        sys.exit(0 if result.testsRun else NO_TESTS)


if __name__ == "__main__":
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    unittest.main = Program
    runpy.run_path(sys.argv[0], run_name="__main__")
