// The dozen of MPI's functions that the start needs, by dlopen; see mpi.h. Constants are those of the two
// binary interfaces: Open MPI's handles are addresses of objects that the library exports, MPICH's are
// integers fixed by the MPICH ABI Compatibility Initiative.
#include "os/mpi.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace assay {
namespace {

constexpr int kMpiSuccess = 0;
constexpr int kMpiTag = 0x6173;
// A message travels in frames of this many bytes, the first with its length: small ones are one frame, which
// every library sends at once without waiting for the receiver.
constexpr size_t kFrameBytes = 4096;
constexpr size_t kFrameHeaderBytes = 8;
// Who waits for longer leaves the core to the others.
constexpr Nanos kSpin = nanos_from_ms(2);
constexpr Nanos kMpiNap = nanos_from_ms(0.2);

const std::vector<const char*>& library_names(LauncherKind kind) {
  static const std::vector<const char*> open_mpi = {"libmpi.so.40", "libmpi.so.20", "libmpi.so.12",
                                                    "libmpi.so"};
  static const std::vector<const char*> mpich = {"libmpi.so.12", "libmpich.so.12", "libmpi_cray.so.12",
                                                 "libmpich.so", "libmpi.so"};
  static const std::vector<const char*> any = {"libmpi.so.40", "libmpi.so.12", "libmpich.so.12",
                                               "libmpi_cray.so.12", "libmpi.so"};
  switch (kind) {
    case LauncherKind::kOpenMpi:
      return open_mpi;
    case LauncherKind::kPmi:
      return mpich;
    case LauncherKind::kSlurm:
      break;
  }
  return any;
}

// A library stays loaded: MPI's leave threads and handlers behind.
Result<void*> load_mpi(LauncherKind kind, const std::string& library) {
  // Open MPI's plugins look for its symbols among the global ones.
  constexpr int kHow = RTLD_NOW | RTLD_GLOBAL;
  std::string tried, why;
  std::vector<const char*> names = library_names(kind);
  if (!library.empty()) names = {library.c_str()};
  for (const char* name : names) {
    if (void* handle = ::dlopen(name, kHow)) return handle;
    const char* text = ::dlerror();
    why = text == nullptr ? "" : text;
    tried += fmt::format("{}{}", tried.empty() ? "" : ", ", name);
  }
  return fail(fmt::format("no MPI library could be loaded (tried {}): {}", tried, printable(why, 300)), "",
              "Install the MPI that the launcher belongs to, or name its library in ASSAY_MPI_LIBRARY.");
}

template <class Handle>
struct MpiConstants {
  Handle world, byte, errors_return;
  void* status_ignore;
};

template <class Handle>
struct MpiFunctions {
  int (*init)(int*, char***);
  int (*comm_set_errhandler)(Handle, Handle);
  int (*comm_rank)(Handle, int*);
  int (*comm_size)(Handle, int*);
  int (*isend)(const void*, int, Handle, int, int, Handle, Handle*);
  int (*irecv)(void*, int, Handle, int, int, Handle, Handle*);
  int (*test)(Handle*, int*, void*);
  int (*finalize)();

  // The name of one that is not there, or null.
  const char* find(void* library) {
    const char* missing = nullptr;
    const auto get = [&](const char* name, auto& function) {
      void* symbol = ::dlsym(library, name);
      if (symbol == nullptr && missing == nullptr) missing = name;
      std::memcpy(&function, &symbol, sizeof symbol);
    };
    get("MPI_Init", init);
    get("MPI_Comm_set_errhandler", comm_set_errhandler);
    get("MPI_Comm_rank", comm_rank);
    get("MPI_Comm_size", comm_size);
    get("MPI_Isend", isend);
    get("MPI_Irecv", irecv);
    get("MPI_Test", test);
    get("MPI_Finalize", finalize);
    return missing;
  }
};

// Handles are void* with Open MPI and int with MPICH.
template <class Handle>
class MpiLink final : public RankLink {
 public:
  MpiLink(const MpiFunctions<Handle>& functions, const MpiConstants<Handle>& constants, Clock& clock)
      : mpi_(functions), constants_(constants), clock_(clock) {}

  Result<void> open(const LauncherPlace& place) {
    if (mpi_.init(nullptr, nullptr) != kMpiSuccess) return fail("MPI_Init failed");
    int rank = 0, ranks = 0;
    // Errors are told to us instead of ending every rank.
    const bool is_well =
        mpi_.comm_set_errhandler(constants_.world, constants_.errors_return) == kMpiSuccess &&
        mpi_.comm_rank(constants_.world, &rank) == kMpiSuccess &&
        mpi_.comm_size(constants_.world, &ranks) == kMpiSuccess;
    if (!is_well || rank < 0 || ranks <= rank) return fail("MPI does not say which rank this is");
    if (static_cast<uint32_t>(ranks) != place.ranks) {
      return fail(
          fmt::format("{} started {} ranks, but the MPI library sees {}", place.name, place.ranks, ranks), "",
          "They do not belong together: use this library's own launcher, or name the launcher's library in "
          "ASSAY_MPI_LIBRARY. Under srun, --mpi says how ranks find each other (--mpi=pmix, --mpi=pmi2).");
    }
    rank_ = static_cast<uint32_t>(rank);
    ranks_ = static_cast<uint32_t>(ranks);
    return {};
  }

  uint32_t rank() const override { return rank_; }
  uint32_t ranks() const override { return ranks_; }

  Result<void> send(uint32_t to, std::string_view message, Nanos deadline) override {
    CHECK(to < ranks_ && message.size() <= kMaxMessageBytes);
    const uint64_t length = message.size();
    std::memcpy(frame_->data(), &length, kFrameHeaderBytes);
    size_t filled = kFrameHeaderBytes;
    do {
      const size_t part = std::min(message.size(), kFrameBytes - filled);
      std::memcpy(frame_->data() + filled, message.data(), part);
      message.remove_prefix(part);
      Handle request{};
      if (mpi_.isend(frame_->data(), static_cast<int>(filled + part), constants_.byte, static_cast<int>(to),
                     kMpiTag, constants_.world, &request) != kMpiSuccess)
        return fail(fmt::format("MPI could not send to rank {}", to));
      RETURN_IF_ERROR(complete(request, to, deadline));
      filled = 0;
    } while (!message.empty());
    return {};
  }

  Result<std::string> receive(uint32_t from, Nanos deadline) override {
    CHECK(from < ranks_);
    RETURN_IF_ERROR(receive_frame(from, deadline));
    uint64_t length = 0;
    std::memcpy(&length, frame_->data(), kFrameHeaderBytes);
    if (length > kMaxMessageBytes)
      return fail(fmt::format("rank {} sent what is no message of assay's", from), "",
                  "Every rank must run the same version of assay.");
    std::string message;
    size_t skipped = kFrameHeaderBytes;
    while (true) {
      message.append(frame_->data() + skipped,
                     std::min<size_t>(length - message.size(), kFrameBytes - skipped));
      if (message.size() == length) return message;
      RETURN_IF_ERROR(receive_frame(from, deadline));
      skipped = 0;
    }
  }

  Result<void> leave() override {
    if (mpi_.finalize() != kMpiSuccess) return fail("MPI_Finalize failed");
    return {};
  }

 private:
  Result<void> receive_frame(uint32_t from, Nanos deadline) {
    Handle request{};
    if (mpi_.irecv(frame_->data(), kFrameBytes, constants_.byte, static_cast<int>(from), kMpiTag,
                   constants_.world, &request) != kMpiSuccess)
      return fail(fmt::format("MPI could not receive from rank {}", from));
    return complete(request, from, deadline);
  }

  Result<void> complete(Handle request, uint32_t peer, Nanos deadline) {
    const Nanos begun = clock_.now();
    while (true) {
      int is_done = 0;
      if (mpi_.test(&request, &is_done, constants_.status_ignore) != kMpiSuccess)
        return give_up(fmt::format("the talk with rank {} broke off", peer));
      if (is_done != 0) return {};
      const Nanos now = clock_.now();
      if (now >= deadline)
        return give_up(
            fmt::format("rank {} did not answer within {}", peer, format_duration(seconds(now - begun))));
      if (now - begun > kSpin) clock_.sleep_until(now + kMpiNap);
    }
  }

  // MPI may still write into the frame of a request that nobody waits for any more: it is never freed.
  std::unexpected<Error> give_up(std::string what) {
    static_cast<void>(frame_.release());
    frame_ = std::make_unique<Frame>();
    return fail(std::move(what), "",
                "See what its host and its output say; a launcher names the rank that died.");
  }

  using Frame = std::array<char, kFrameBytes>;

  MpiFunctions<Handle> mpi_;
  MpiConstants<Handle> constants_;
  Clock& clock_;
  uint32_t rank_ = 0, ranks_ = 1;
  std::unique_ptr<Frame> frame_ = std::make_unique<Frame>();
};

template <class Handle>
Result<std::unique_ptr<RankLink>> open_link(void* library, const LauncherPlace& place,
                                            const MpiConstants<Handle>& constants, Clock& clock) {
  MpiFunctions<Handle> functions{};
  if (const char* missing = functions.find(library))
    return fail(fmt::format("the MPI library has no {}", missing), "", "Name another in ASSAY_MPI_LIBRARY.");
  auto link = std::make_unique<MpiLink<Handle>>(functions, constants, clock);
  RETURN_IF_ERROR(link->open(place));
  return link;
}

// What the library calls itself; "" if it does not tell. May be called before MPI_Init.
std::string mpi_version_text(void* library) {
  constexpr size_t kMostBytes = 8192;  // MPI_MAX_LIBRARY_VERSION_STRING: 256 or 8192
  int (*get_version)(char*, int*) = nullptr;
  void* symbol = ::dlsym(library, "MPI_Get_library_version");
  if (symbol == nullptr) return "";
  std::memcpy(&get_version, &symbol, sizeof symbol);
  std::string text(kMostBytes, '\0');
  int length = 0;
  if (get_version(text.data(), &length) != kMpiSuccess) return "";
  text.resize(static_cast<size_t>(std::clamp(length, 0, static_cast<int>(kMostBytes))));
  return text;
}

bool has_mpich_interface(std::string_view version) {
  constexpr std::string_view kKin[] = {"MPICH", "Intel(R) MPI", "MVAPICH", "CRAY"};
  return std::ranges::any_of(
      kKin, [&](std::string_view name) { return version.find(name) != std::string_view::npos; });
}

}  // namespace

Result<std::unique_ptr<RankLink>> open_mpi(const LauncherPlace& place, const std::string& library,
                                           Clock& clock) {
  ASSIGN_OR_RETURN(void* const loaded, load_mpi(place.kind, library));
  void* const world = ::dlsym(loaded, "ompi_mpi_comm_world");
  void* const byte = ::dlsym(loaded, "ompi_mpi_byte");
  void* const errors_return = ::dlsym(loaded, "ompi_mpi_errors_return");
  if (world != nullptr && byte != nullptr && errors_return != nullptr)
    return open_link<void*>(loaded, place, {world, byte, errors_return, nullptr}, clock);
  const std::string version = mpi_version_text(loaded);
  if (has_mpich_interface(version)) {
    const MpiConstants<int> mpich{.world = 0x44000000,
                                  .byte = 0x4c00010d,
                                  .errors_return = 0x54000001,
                                  .status_ignore = reinterpret_cast<void*>(1)};
    return open_link<int>(loaded, place, mpich, clock);
  }
  return fail(
      fmt::format("the MPI library has a binary interface that assay does not know ({})",
                  version.empty() ? "it does not say its name" : printable(version, 120)),
      "", "Known are Open MPI's and that of MPICH and its kin: name such a library in ASSAY_MPI_LIBRARY.");
}

}  // namespace assay
