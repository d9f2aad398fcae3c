// The end of whole process trees, as /proc shows them.
#pragma once

#include <sys/types.h>

#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/result.hpp"

namespace mnp::cpu {

/// Ends every descendant of this process, which must be a subreaper, and reaps its children.
/// Everything is stopped first, again and again until nothing new turns up, so that nothing can
/// fork its way out; then killed. kTimeout names how many are left at `deadline`. No other thread
/// may wait for children meanwhile.
Status end_descendants(TimePoint deadline);

/// Ends a child of this process with all its descendants, and reaps the child if it is not reaped
/// by another. Descendants that it has lost to the subreaper before are not found.
Status end_tree(pid_t root, TimePoint deadline);

/// Stops, then kills the roots and all below them, and waits for nothing.
void kill_trees(const std::vector<pid_t>& roots, TimePoint deadline);

/// Pids of all living descendants of `root` (itself not included), parents first.
std::vector<pid_t> descendants_of(pid_t root);

}  // namespace mnp::cpu
