#include "mnp/model/scheduler_queue.hpp"

#include <algorithm>
#include <numeric>

namespace mnp::model {
namespace {

bool known(double cost) {
  return cost > 0;  // neither 0 nor NaN
}

double mean_of_known(const std::vector<double>& costs) {
  double sum = 0;
  uint64_t count = 0;
  for (const double cost : costs) {
    if (!known(cost)) continue;
    sum += cost;
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace

uint32_t slice_begin(uint32_t total, uint32_t i, uint32_t n) {
  return static_cast<uint32_t>(uint64_t{total} * i / n);
}

// The smallest i with command + 1 <= total * (i + 1) / n.
uint32_t slice_of(uint32_t total, uint32_t command, uint32_t n) {
  return static_cast<uint32_t>(((uint64_t{command} + 1) * n - 1) / total);
}

CommandQueue::CommandQueue(uint32_t commands, const std::vector<double>& costs, uint32_t slices)
    : commands_(commands), slices_(slices), shared_(commands) {
  if (!costs.empty()) sort(costs);
  if (slices == 0) {
    shared_.fill();
    return;
  }
  sliced_ = BitTree(commands);
  sliced_.fill();
  released_.resize(slices, false);
  for (uint32_t i = 0; i < slices; ++i)
    slice_left_.push_back(slice_begin(commands, i + 1, slices) - slice_begin(commands, i, slices));
}

void CommandQueue::sort(const std::vector<double>& costs) {
  const double mean = mean_of_known(costs);
  const auto cost = [&](uint32_t i) {
    return i < costs.size() && known(costs[i]) ? costs[i] : mean;
  };
  order_.resize(commands_);
  std::iota(order_.begin(), order_.end(), 0);
  const uint32_t parts = std::max<uint32_t>(slices_, 1);  // so that slices stay contiguous ranks
  for (uint32_t i = 0; i < parts; ++i)
    std::stable_sort(order_.begin() + slice_begin(commands_, i, parts),
                     order_.begin() + slice_begin(commands_, i + 1, parts),
                     [&](uint32_t a, uint32_t b) { return cost(a) > cost(b); });
  ranks_.resize(commands_);
  for (uint32_t i = 0; i < commands_; ++i) ranks_[order_[i]] = i;
}

std::optional<uint32_t> CommandQueue::reserved_slice(uint32_t command) const {
  if (slices_ == 0) return std::nullopt;
  const uint32_t slice = slice_of(commands_, command, slices_);
  if (released_[slice]) return std::nullopt;
  return slice;
}

void CommandQueue::insert(uint32_t command) {
  if (contains(command)) return;
  const auto slice = reserved_slice(command);
  (slice ? sliced_ : shared_).insert(rank(command));
  if (slice) ++slice_left_[*slice];
}

void CommandQueue::erase(uint32_t command) {
  if (!contains(command)) return;
  const auto slice = reserved_slice(command);
  (slice ? sliced_ : shared_).erase(rank(command));
  if (slice) --slice_left_[*slice];
}

bool CommandQueue::contains(uint32_t command) const {
  return (reserved_slice(command) ? sliced_ : shared_).contains(rank(command));
}

void CommandQueue::clear() {
  shared_.clear();
  if (slices_ > 0) sliced_.clear();
  std::fill(slice_left_.begin(), slice_left_.end(), 0);
}

std::optional<uint32_t> CommandQueue::pop_shared() {
  const uint32_t rank = shared_.first();
  if (rank == BitTree::kNone) return std::nullopt;
  shared_.erase(rank);
  return command_at(rank);
}

std::optional<uint32_t> CommandQueue::pop_slice(uint32_t slice) {
  if (slice_size(slice) == 0) return std::nullopt;
  const uint32_t rank = sliced_.first(slice_begin(commands_, slice, slices_));
  sliced_.erase(rank);
  --slice_left_[slice];
  return command_at(rank);
}

void CommandQueue::release(uint32_t slice) {
  if (slice >= slices_ || released_[slice]) return;
  while (const auto command = pop_slice(slice)) shared_.insert(rank(*command));
  released_[slice] = true;
}

}  // namespace mnp::model
