// progress.json of a stage, as main rewrites it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mnp/core/errands.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/report.hpp"

namespace mnp::node {

/// All attempts of a stage write the same file: what this main has to say may come later than what
/// its successor has written, when it was frozen or its store slow.
class ProgressFile {
 public:
  ProgressFile(Errands& errands, std::shared_ptr<Store> store, std::string key)
      : errands_(errands), store_(std::move(store)), key_(std::move(key)) {}

  /// Off the loop, in order. `still_owner` is asked there: if it says no, nothing is written.
  void write(const model::Progress& progress, std::function<bool()> still_owner);

 private:
  Errands& errands_;
  const std::shared_ptr<Store> store_;
  const std::string key_;
};

}  // namespace mnp::node
