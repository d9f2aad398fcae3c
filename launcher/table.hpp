// Columns for people.
#pragma once

#include <string>
#include <vector>

namespace mnp::launcher {

/// Left-aligned columns, two blanks between them, as wide as their widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Every row with a newline, without blanks at its end.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace mnp::launcher
