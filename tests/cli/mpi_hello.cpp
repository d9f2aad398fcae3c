// A user's MPI program: says where its ranks are; may wait for a file, and end as it is told.
#include <mpi.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "-" : value;
}

}  // namespace

/// mpi_hello [--wait FILE] [--exit STATUS]
int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, size = 0, status = 0;
  const char* file = nullptr;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--wait") == 0) file = argv[i + 1];
    if (std::strcmp(argv[i], "--exit") == 0) status = std::atoi(argv[i + 1]);
  }
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const int one = 1;
  int sum = 0;
  MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  std::printf("rank %d of %d on node %s, try %s\n", rank, sum, variable("MNP_NODE"),
              variable("MNP_TRY"));
  std::fflush(stdout);
  while (file != nullptr && ::access(file, F_OK) != 0) ::usleep(20000);
  MPI_Finalize();
  return status;
}
