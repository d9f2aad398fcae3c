#include "comms/transport.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include <mpi.h>

namespace mnp::comms {
namespace {

constexpr size_t kChannels = 4;  // tags count from 1
// While ranks find together. MPI's own waits spin, and many nodes may share few cores.
constexpr std::chrono::microseconds kFirstPause{50}, kLongestPause{5000};

std::string mpi_text(int code, const char* call) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  return std::string(call) + ": " + std::string(text.data(), static_cast<size_t>(length));
}

size_t index_of(Channel channel) {
  return static_cast<size_t>(channel);
}

}  // namespace

struct Transport::Sending {
  struct Item {
    Rank to;
    Channel channel;
    Bytes bytes;
    TimePoint since;
  };
  std::vector<MPI_Request> requests;  // of the item with the same index
  std::vector<Item> items;
  std::vector<int> ended;
  std::array<size_t, kChannels> count{}, bytes{};
};

struct Transport::Receiving {
  MPI_Request request = MPI_REQUEST_NULL;
  Rank from;
  std::string bytes;
};

void Transport::ReceivingDeleter::operator()(Receiving* receiving) const {
  delete receiving;
}

Transport::Transport() : sending_(std::make_unique<Sending>()) {}
Transport::~Transport() = default;

Result<std::unique_ptr<Transport>> Transport::begin() {
  int provided = 0;
  if (const int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
      code != MPI_SUCCESS)
    return fail(Code::kMpi, mpi_text(code, "MPI_Init_thread"));
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int rank = 0, size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  std::unique_ptr<Transport> transport(new Transport);
  transport->rank_ = Rank(rank);
  transport->size_ = static_cast<uint32_t>(size);
  return transport;
}

Result<std::vector<uint32_t>> Transport::exchange(uint32_t own) {
  std::vector<uint32_t> all(size_);
  MPI_Request request = MPI_REQUEST_NULL;
  int code =
      MPI_Iallgather(&own, 1, MPI_UINT32_T, all.data(), 1, MPI_UINT32_T, MPI_COMM_WORLD, &request);
  int done = 0;
  for (auto pause = kFirstPause; code == MPI_SUCCESS; pause = std::min(2 * pause, kLongestPause)) {
    code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) break;
    std::this_thread::sleep_for(pause);
  }
  if (code != MPI_SUCCESS) return fail(Code::kMpi, mpi_text(code, "MPI_Iallgather"));
  return all;
}

void Transport::note(int mpi_code, const char* call) {
  if (mpi_code != MPI_SUCCESS && failed_) failed_ = fail(Code::kMpi, mpi_text(mpi_code, call));
}

void Transport::send(Rank to, Channel channel, Bytes bytes) {
  MPI_Request request = MPI_REQUEST_NULL;
  note(MPI_Issend(bytes->data(), static_cast<int>(bytes->size()), MPI_BYTE, to.value(),
                  static_cast<int>(channel), MPI_COMM_WORLD, &request),
       "MPI_Issend");
  if (!failed_) return;
  sending_->count[index_of(channel)] += 1;
  sending_->bytes[index_of(channel)] += bytes->size();
  sending_->requests.push_back(request);
  sending_->items.push_back({to, channel, std::move(bytes), Clock::now()});
}

size_t Transport::sending(Channel channel) const {
  return sending_->count[index_of(channel)];
}
size_t Transport::sending_bytes(Channel channel) const {
  return sending_->bytes[index_of(channel)];
}
bool Transport::sending_anything() const {
  return !sending_->items.empty();
}

std::vector<Rank> Transport::not_taken_since(TimePoint time) const {
  std::vector<Rank> ranks;
  for (const Sending::Item& item : sending_->items)
    if (item.since < time) ranks.push_back(item.to);
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

Transport::ReceivingPointer Transport::probe(Channel channel, std::optional<Rank> from) {
  int found = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  note(MPI_Improbe(from ? from->value() : MPI_ANY_SOURCE, static_cast<int>(channel), MPI_COMM_WORLD,
                   &found, &message, &status),
       "MPI_Improbe");
  if (!failed_ || !found) return nullptr;
  int bytes = 0;
  MPI_Get_count(&status, MPI_BYTE, &bytes);
  ReceivingPointer receiving(new Receiving);
  receiving->from = Rank(status.MPI_SOURCE);
  receiving->bytes.resize(static_cast<size_t>(bytes));
  note(MPI_Imrecv(receiving->bytes.data(), bytes, MPI_BYTE, &message, &receiving->request),
       "MPI_Imrecv");
  return receiving;
}

bool Transport::complete(Receiving& receiving) {
  int done = 0;
  note(MPI_Test(&receiving.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return failed_ && done;
}
Rank Transport::source(const Receiving& receiving) {
  return receiving.from;
}
size_t Transport::size_of(const Receiving& receiving) {
  return receiving.bytes.size();
}
std::string Transport::take(Receiving& receiving) {
  return std::move(receiving.bytes);
}

Result<bool> Transport::progress() {
  MNP_CHECK(failed_);
  Sending& all = *sending_;
  if (all.items.empty()) return false;
  int count = 0;
  all.ended.resize(all.requests.size());
  note(MPI_Testsome(static_cast<int>(all.requests.size()), all.requests.data(), &count,
                    all.ended.data(), MPI_STATUSES_IGNORE),
       "MPI_Testsome");
  MNP_CHECK(failed_);
  if (count <= 0) return false;
  size_t kept = 0;
  for (size_t i = 0; i < all.items.size(); ++i) {
    if (all.requests[i] == MPI_REQUEST_NULL) {
      all.count[index_of(all.items[i].channel)] -= 1;
      all.bytes[index_of(all.items[i].channel)] -= all.items[i].bytes->size();
      continue;
    }
    if (kept != i) {
      all.requests[kept] = all.requests[i];
      all.items[kept] = std::move(all.items[i]);
    }
    ++kept;
  }
  all.requests.resize(kept);
  all.items.resize(kept);
  return true;
}

}  // namespace mnp::comms
