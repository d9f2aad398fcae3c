// The stages of the example's pipeline, run with `tomo` alone: each command as the pipeline would
// run it, its results in a folder of their own where they are to be reduced.
#pragma once

#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "examples/tomography/center.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/npy.hpp"

namespace tomo {

class Stages {
 public:
  /// An empty scan is the phantom.
  explicit Stages(fs::path scan)
      : scan_(std::move(scan)), folder_(std::move(*mnp::TemporaryFolder::create("tomo-"))) {
    if (!scan_.empty()) fs::create_directory_symlink(scan_, folder_.path() / "scan");
    fs::create_directory(folder_.path() / "slices");
  }

  void preprocess() { each_line("normalize", "preprocess"); }
  void process() { each_line("filter", "process"); }
  void calibrate(const std::string& center) {
    shell(fmt::format("tomo center --in \"$MNP_INPUTS/process/filtered\" --center '{}' "
                      "--out \"$MNP_RESULTS/center.json\"",
                      center),
          "calibrate");
  }
  /// Every command's slices lie in reconstruct/<line>/slices.
  void reconstruct() { each_line("backproject", "reconstruct/$i"); }

  double center() const {
    const auto text = mnp::read_file(folder_.path() / "calibrate/center.json");
    return text ? center_from_json(*text).value_or(-1) : -1;
  }
  /// The sum of all commands' slices of a row; counts them.
  std::vector<float> slice(size_t row, size_t* parts) const {
    std::vector<float> sum;
    *parts = 0;
    const auto lines = mnp::list_folder(folder_.path() / "reconstruct");
    for (const std::string& line : lines.value_or(std::vector<std::string>())) {
      const auto path =
          folder_.path() / "reconstruct" / line / fmt::format("slices/slice-{:04}.npy", row);
      const auto part = mnp::model::read_npy<float>(path);
      if (!part) continue;
      ++*parts;
      sum.resize(part->values.size());
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += part->values[i];
    }
    return sum;
  }
  const fs::path& path() const { return folder_.path(); }

 private:
  void each_line(const std::string& list, const std::string& results) {
    shell(fmt::format("i=0; tomo list {} --scan '{}' > list && while read -r line; do "
                      "MNP_RESULTS=\"$MNP_INPUTS/{}\" sh -c \"$line\" || exit 1; i=$((i + 1)); "
                      "done < list",
                      list, scan_.string(), results),
          results);
  }
  void shell(const std::string& script, const std::string& results) {
    const std::string command = fmt::format(
        "cd '{0}' && export PATH='{1}':\"$PATH\" MNP_INPUTS='{0}' MNP_RESULTS='{0}/{2}' && {3}",
        folder_.path().string(), MNP_PROGRAMS, results, script);
    ASSERT_EQ(std::system((command + " > /dev/null").c_str()), 0) << command;
  }

  fs::path scan_;
  mnp::TemporaryFolder folder_;
};

}  // namespace tomo
