#include "mnp/node/progress_file.hpp"

#include <utility>

#include "mnp/core/log.hpp"

namespace mnp::node {

void ProgressFile::write(const model::Progress& progress, std::function<bool()> still_owner) {
  errands_.add("progress", [store = store_, key = key_, still_owner = std::move(still_owner),
                            json = model::progress_to_json(progress)] {
    if (!still_owner()) return;
    if (auto done = store->put(key, json); !done) log::warning("{}", done.error().text);
  });
}

}  // namespace mnp::node
