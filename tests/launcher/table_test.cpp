#include "launcher/table.hpp"

#include <gtest/gtest.h>

namespace mnp::launcher {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({"A", "LONG", "C"});
  table.add({"wider", "x", ""});
  EXPECT_EQ(table.text(), "A      LONG  C\nwider  x\n");
}

}  // namespace
}  // namespace mnp::launcher
