"""Each third-party header has one owner, so that a library can be replaced in one place."""

import re
import unittest

from source_tree import SourceTree, TreeCase

# Header -> folders or files that may include it. The first pattern that matches counts.
OWNERS = [
    (r"hwloc(/|\.h$)", ["cpu/"]),
    (r"curl/|pugixml\.hpp$", ["aws/"]),
    (r"openssl/(ssl|tls1)\.h$", ["mnp/node/"]),       # TLS
    (r"openssl/", ["mnp/node/", "aws/"]),             # hashes and HMAC: also to sign requests
    (r"mpi(-ext)?\.h$", ["comms/"]),
    (r"(cuda|nvml|nccl|cublas|nvrtc|nvtx)[^/]*(/|\.h$)|(CL|nvtx3)/", ["gpu/"]),
    (r"spdlog/", ["mnp/core/log.cpp"]),
    (r"tl/", ["mnp/core/result.hpp"]),
    (r"yaml-cpp/", ["mnp/model/"]),
    (r"CLI/", ["launcher/", "examples/"]),
    (r"(fftw3|png)\.h$", ["examples/"]),
    (r"(gtest|gmock|benchmark)/", []),                # tests/ and bench/ only
    (r"(fmt|nlohmann)/", [""]),                       # text and JSON: everybody's
]
SYSTEM = re.compile(r"^(sys|linux|net|netinet|arpa|asm|bits)/|^[a-z_0-9]+(\.h)?$")


def complaints(tree: SourceTree):
    found = []
    for file in tree.cpp_files():
        if file.startswith(("tests/", "bench/")):
            continue
        for line, _, header in tree.includes(file):
            if header is None:
                continue
            owners = next((o for pattern, o in OWNERS if re.match(pattern, header)), None)
            if owners is None and not SYSTEM.match(header):
                found.append(f"{file}:{line}: <{header}> has no owner: name one in owners_test.py")
            elif owners is not None and not any(file.startswith(o) for o in owners):
                where = " and ".join(owners) or "tests/ and bench/"
                found.append(f"{file}:{line}: <{header}> belongs to {where}")
    return found


class Owners(TreeCase):
    def test_this_tree_obeys(self):
        self.assert_clean(complaints)

    def test_each_owner_is_alone(self):
        for header in ("hwloc.h", "hwloc/linux.h", "curl/curl.h", "openssl/ssl.h", "openssl/hmac.h",
                       "mpi.h", "cuda.h", "cuda_runtime.h", "nvml.h", "nccl.h", "CL/cl.h",
                       "spdlog/spdlog.h", "yaml-cpp/yaml.h", "gtest/gtest.h", "boost/any.hpp"):
            with self.subTest(header):
                self.assertEqual(1, len(self.complaints_about(
                    complaints, launcher__a___cpp=f"#include <{header}>")))

    def test_tls_is_not_for_the_signer(self):
        self.assertEqual(["aws/a.cpp:2: <openssl/ssl.h> belongs to mnp/node/"],
                         self.complaints_about(
                             complaints,
                             aws__a___cpp="#include <openssl/hmac.h>\n#include <openssl/ssl.h>"))

    def test_owners_and_the_system_are_accepted(self):
        self.assertEqual([], self.complaints_about(
            complaints, cpu__a___cpp="#include <hwloc.h>\n#include <sys/wait.h>\n#include <vector>",
            mnp__core__log___cpp="#include <spdlog/spdlog.h>\n#include <unistd.h>",
            tests__comms__a___cpp="#include <mpi.h>"))


if __name__ == "__main__":
    unittest.main()
