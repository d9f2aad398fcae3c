#include "comms/local_reduction.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "comms/store_error.hpp"
#include "mnp/core/fd.hpp"

namespace mnp::comms {

LocalReduction::LocalReduction(NodeIndex node, std::vector<std::string> files)
    : node_(node), files_(std::move(files)) {}

Result<bool> LocalReduction::check_some() {
  for (size_t i = 0; i < kHeadersAStep && data_offsets_.size() < files_.size(); ++i) {
    const std::string& file = files_[data_offsets_.size()];
    auto header = model::read_npy_header(file);
    if (!header) return fail(of_store(header.error()));
    ArrayShape shape{header->dtype, std::move(header->shape), node_, file};
    if (!shape_) shape_ = shape;
    MNP_CHECK(check_same(*shape_, shape));
    data_offsets_.push_back(header->data_offset);
  }
  return data_offsets_.size() == files_.size();
}

Result<bool> LocalReduction::add_some(const ReduceKernel& kernel, size_t first, size_t count) {
  const size_t bytes = count * kernel.value_bytes;
  for (size_t done = 0; done < kBytesAStep && next_file_ < files_.size();
       done += std::max<size_t>(bytes, 1), ++next_file_) {
    MNP_CHECK(read(next_file_, first * kernel.value_bytes, bytes));
    if (next_file_ == 0) {
      block_.resize(count * kernel.accumulator_bytes);
      kernel.begin(block_.data(), values_.data(), count);
    } else {
      kernel.add(block_.data(), values_.data(), count);
    }
  }
  if (next_file_ < files_.size()) return false;
  next_file_ = 0;
  return true;
}

Status LocalReduction::read(size_t file, size_t offset, size_t bytes) {
  const std::string& path = files_[file];
  values_.resize(bytes);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(of_store(fail_errno("open " + path).value()));
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = ::pread(fd.get(), values_.data() + done, bytes - done,
                              static_cast<off_t>(data_offsets_[file] + offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(of_store(fail_errno("read " + path).value()));
    if (n == 0) return fail(Code::kStore, path + ": became shorter while it was read");
    done += static_cast<size_t>(n);
  }
  return {};
}

}  // namespace mnp::comms
