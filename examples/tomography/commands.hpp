// The subcommands of `tomo`: what each is told (cli.cpp) and what it does (cmd_<name>.cpp).
#pragma once

#include <optional>
#include <string>

#include "examples/tomography/scan.hpp"

namespace tomo {

struct WritePhantomOptions {
  PhantomOptions phantom;
  fs::path out;
};

struct ListOptions {
  std::string stage;
  ScanSource source;
  size_t blocks = 12;
};

struct NormalizeOptions {
  ScanSource source;
  size_t first = 0, count = 0;  // 0: all angles that follow
  fs::path out;
};

struct FilterOptions {
  fs::path in, out;
  size_t block = 0;
  size_t rings = 0;  // columns across; 0: leave them
};

struct CenterOptions {
  fs::path in, out;
  std::string center;         // empty: search
  std::optional<size_t> row;  // none: the middle one
  double reach = 0.1;
  bool verbose = false;
};

struct BackprojectOptions {
  fs::path in, out, center;
  size_t block = 0, row = 0, angles_total = 0;
};

struct ViewOptions {
  fs::path slice, picture;
  double low = 0.5, high = 99.5;  // percentiles
};

Status run(const WritePhantomOptions& options);
Status run(const ListOptions& options);
Status run(const NormalizeOptions& options);
Status run(const FilterOptions& options);
Status run(const CenterOptions& options);
Status run(const BackprojectOptions& options);
Status run(const ViewOptions& options);

}  // namespace tomo
