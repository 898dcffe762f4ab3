// A small MPI for tests: the functions that assay calls, over datagram sockets in the folder FAKE_MPI_DIR,
// for FAKE_MPI_SIZE processes of which this is FAKE_MPI_RANK. Built once with the binary interface of Open
// MPI and once with MPICH's; a call with a handle of the other one fails, as does any other call that a real
// one would not take. MPI_Finalize waits for every rank, as real ones do.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#ifdef FAKE_MPI_LIKE_OPEN_MPI
using Handle = void*;
extern "C" {
char ompi_mpi_comm_world[64];
char ompi_mpi_byte[64];
char ompi_mpi_errors_return[64];
}
static const Handle kWorld = ompi_mpi_comm_world, kByte = ompi_mpi_byte,
                    kErrorsReturn = ompi_mpi_errors_return;
static void* const kStatusIgnore = nullptr;
static const char* const kVersion = "Open MPI for tests";
#else
using Handle = int;
static const Handle kWorld = 0x44000000, kByte = 0x4c00010d, kErrorsReturn = 0x54000001;
static void* const kStatusIgnore = reinterpret_cast<void*>(1);
static const char* const kVersion = "MPICH Version: for tests";
#endif

namespace {

constexpr int kBad = 13;
constexpr size_t kLargest = 1 << 16;

struct Message {
  int from = 0;
  std::string bytes;
};

struct Pending {
  bool is_receive = false;
  void* buffer = nullptr;  // of a receive
  size_t room = 0;
  std::string bytes;  // of a send
  int peer = 0;
  bool is_done = false;
  bool is_cut = false;
};

int g_socket = -1, g_rank = 0, g_ranks = 1;
bool g_is_ready = false;
std::vector<std::unique_ptr<Pending>> g_pending;
std::deque<Message> g_arrived;

std::string path_of(int rank, const char* suffix = "") {
  return std::string(std::getenv("FAKE_MPI_DIR")) + "/" + std::to_string(rank) + suffix;
}

sockaddr_un address_of(int rank) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path_of(rank).c_str());
  return address;
}

// Waits for a file of every rank; half a minute at most.
bool all_have(const char* suffix) {
  for (int tries = 0; tries < 30000; ++tries) {
    int there = 0;
    struct stat info{};
    for (int rank = 0; rank < g_ranks; ++rank)
      there += stat(path_of(rank, suffix).c_str(), &info) == 0 ? 1 : 0;
    if (there == g_ranks) return true;
    usleep(1000);
  }
  return false;
}

void take_arrivals() {
  char buffer[kLargest];
  while (true) {
    const ssize_t size = recv(g_socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < static_cast<ssize_t>(sizeof(int))) return;
    Message message;
    std::memcpy(&message.from, buffer, sizeof message.from);
    message.bytes.assign(buffer + sizeof message.from, static_cast<size_t>(size) - sizeof message.from);
    g_arrived.push_back(std::move(message));
  }
}

void progress(Pending& pending) {
  if (pending.is_done) return;
  if (!pending.is_receive) {
    const sockaddr_un to = address_of(pending.peer);
    pending.is_done =
        sendto(g_socket, pending.bytes.data(), pending.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
    return;
  }
  take_arrivals();
  const auto found = std::find_if(g_arrived.begin(), g_arrived.end(),
                                  [&](const Message& message) { return message.from == pending.peer; });
  if (found == g_arrived.end()) return;
  pending.is_cut = found->bytes.size() > pending.room;
  std::memcpy(pending.buffer, found->bytes.data(), std::min(pending.room, found->bytes.size()));
  g_arrived.erase(found);
  pending.is_done = true;
}

bool is_wrong(int count, Handle type, int peer, Handle comm) {
  return !g_is_ready || type != kByte || comm != kWorld || count < 0 || peer < 0 || peer >= g_ranks;
}

Handle handle_of(size_t index) {
#ifdef FAKE_MPI_LIKE_OPEN_MPI
  return g_pending[index].get();
#else
  return static_cast<int>(index) + 1;
#endif
}

Pending* pending_of(Handle handle) {
#ifdef FAKE_MPI_LIKE_OPEN_MPI
  return static_cast<Pending*>(handle);
#else
  return handle < 1 || handle > static_cast<int>(g_pending.size()) ? nullptr : g_pending[handle - 1].get();
#endif
}

}  // namespace

extern "C" {

int MPI_Get_library_version(char* text, int* length) {
  const char* other = std::getenv("FAKE_MPI_VERSION");
  *length = std::snprintf(text, 256, "%s", other == nullptr ? kVersion : other);
  return 0;
}

int MPI_Init(int*, char***) {
  const char* rank = std::getenv("FAKE_MPI_RANK");
  const char* ranks = std::getenv("FAKE_MPI_SIZE");
  if (rank == nullptr || ranks == nullptr || g_is_ready) return kBad;
  g_rank = std::atoi(rank);
  g_ranks = std::atoi(ranks);
  g_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_un own = address_of(g_rank);
  if (bind(g_socket, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 || !all_have("")) return kBad;
  g_is_ready = true;
  return 0;
}

int MPI_Comm_set_errhandler(Handle comm, Handle handler) {
  return comm == kWorld && handler == kErrorsReturn ? 0 : kBad;
}

int MPI_Comm_rank(Handle comm, int* rank) {
  *rank = g_rank;
  return comm == kWorld ? 0 : kBad;
}

int MPI_Comm_size(Handle comm, int* size) {
  *size = g_ranks;
  return comm == kWorld ? 0 : kBad;
}

int MPI_Isend(const void* buffer, int count, Handle type, int to, int, Handle comm, Handle* request) {
  if (is_wrong(count, type, to, comm)) return kBad;
  auto pending = std::make_unique<Pending>();
  pending->peer = to;
  pending->bytes.assign(reinterpret_cast<const char*>(&g_rank), sizeof g_rank);
  pending->bytes.append(static_cast<const char*>(buffer), static_cast<size_t>(count));
  g_pending.push_back(std::move(pending));
  *request = handle_of(g_pending.size() - 1);
  return 0;
}

int MPI_Irecv(void* buffer, int count, Handle type, int from, int, Handle comm, Handle* request) {
  if (is_wrong(count, type, from, comm)) return kBad;
  auto pending = std::make_unique<Pending>();
  pending->is_receive = true;
  pending->peer = from;
  pending->buffer = buffer;
  pending->room = static_cast<size_t>(count);
  g_pending.push_back(std::move(pending));
  *request = handle_of(g_pending.size() - 1);
  return 0;
}

int MPI_Test(Handle* request, int* is_done, void* status) {
  Pending* pending = pending_of(*request);
  if (!g_is_ready || pending == nullptr || status != kStatusIgnore) return kBad;
  progress(*pending);
  *is_done = pending->is_done ? 1 : 0;
  return pending->is_cut ? kBad : 0;
}

int MPI_Finalize() {
  if (!g_is_ready) return kBad;
  g_is_ready = false;
  const int file = open(path_of(g_rank, ".left").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
  return all_have(".left") ? 0 : kBad;
}

}  // extern "C"
