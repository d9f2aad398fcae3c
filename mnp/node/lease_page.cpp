#include "mnp/node/lease_page.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace mnp::node {

Result<LeasePage> LeasePage::create(Fd& memory) {
  memory.reset(::memfd_create("mnp-lease", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return fail_errno("memfd_create");
  // Sealed: who shrinks it would kill the other.
  if (::ftruncate(memory.get(), sizeof(Shared)) != 0 ||
      ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno("make the lease's page");
  return map(memory);
}

Result<LeasePage> LeasePage::open(const Fd& memory) {
  constexpr int kSealed = F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0) return fail_errno("the lease's page");
  if ((seals & kSealed) != kSealed) return fail(Code::kConfig, "the lease's page is not sealed");
  return map(memory);
}

Result<LeasePage> LeasePage::map(const Fd& memory) {
  void* const page =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (page == MAP_FAILED) return fail_errno("map the lease's page");
  return LeasePage(static_cast<Shared*>(page));  // zeros are its beginning
}

void LeasePage::Unmap::operator()(Shared* page) const {
  ::munmap(page, sizeof(Shared));
}

bool LeasePage::set_deadline(LeaseTime deadline) {
  const int64_t before = page_->deadline.load();
  const int64_t after = deadline.time_since_epoch().count();
  if (after > before) page_->deadline.store(after);
  return before == 0;
}

std::optional<LeaseTime> LeasePage::deadline() const {
  const int64_t deadline = page_->deadline.load();
  if (deadline == 0) return std::nullopt;
  return LeaseTime(nanoseconds(deadline));
}

void LeasePage::set_suspect(bool runs) {
  page_->suspect.store(runs);
}

bool LeasePage::suspect() const {
  return page_->suspect.load();
}

}  // namespace mnp::node
