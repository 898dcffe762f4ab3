// libpci behind a type of ours; see pci_library.h. It ends the program where something is wrong, unless it is
// led elsewhere: here its errors jump back into the call that led to them.
#include "exam/probe/pci_library.h"

#include <sys/types.h>

#include <algorithm>
#include <csetjmp>
#include <cstdarg>
#include <cstdio>
#include <cstring>

// Its header does not say that it is C. What it includes in turn is included above.
extern "C" {
#include <pci/pci.h>
}

namespace assay {
namespace {

constexpr size_t kConfigSpaceBytes = 4096;
constexpr size_t kHeaderBytes = 64;  // that anybody may read

struct ErrorFrame {
  std::jmp_buf jump;
  char text[300] = "";
};

// libpci hands its error function no context, so that the frame of the call under way stands beside it.
thread_local ErrorFrame* current_frame = nullptr;

// libpci's pointer to it has the attribute in its type, which Clang compares and [[noreturn]] does not give.
__attribute__((noreturn)) void on_error(char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(current_frame->text, sizeof current_frame->text, format, arguments);
  va_end(arguments);
  std::longjmp(current_frame->jump, 1);
}

void on_message(char*, ...) {}

// Calls into libpci; false where it came to an error. What it jumps over is C, and `work` itself, which must
// hold nothing that needs to be destroyed.
template <typename Work>
bool guarded(ErrorFrame& frame, const Work& work) {
  current_frame = &frame;
  const bool is_done = setjmp(frame.jump) == 0 && (work(), true);
  current_frame = nullptr;
  return is_done;
}

PciLinkState link_state(int register_bits) {
  return {.generation = register_bits & 0xf, .lanes = (register_bits >> 4) & 0x3f};
}

// What read_config wants of libpci: plain numbers, since an error may jump past them.
struct ConfigWords {
  int vendor = 0, device = 0;
  bool has_express = false;
  int most = 0, now = 0;
};

}  // namespace

struct PciLibrary::Access {
  pci_access* library = nullptr;
  ~Access() {
    if (library != nullptr) pci_cleanup(library);
  }
};

PciLibrary::PciLibrary(std::unique_ptr<Access> access) : access_(std::move(access)) {}
PciLibrary::PciLibrary(PciLibrary&&) noexcept = default;
PciLibrary::~PciLibrary() = default;

Result<PciLibrary> PciLibrary::open(const std::string& ids_file) {
  auto access = std::make_unique<Access>();
  pci_access* library = pci_alloc();
  library->error = on_error;
  library->warning = on_message;
  library->debug = on_message;
  library->method = PCI_ACCESS_SYS_BUS_PCI;
  pci_set_name_list_path(library, ::strdup(ids_file.c_str()), 1);
  ErrorFrame frame;
  // pci_cleanup wants what pci_init has made: what was only allocated is left to the end of the program.
  if (!guarded(frame, [&] { pci_init(library); }))
    return fail("libpci does not come up: " + printable(frame.text), "libpci");
  access->library = library;
  return PciLibrary(std::move(access));
}

std::string PciLibrary::look_up(int flags, int vendor, int device) {
  if (!names_error_.empty()) return "";
  char buffer[256] = "";
  const char* name = nullptr;
  ErrorFrame frame;
  const bool is_done = guarded(frame, [&] {
    name = pci_lookup_name(access_->library, buffer, sizeof buffer,
                           flags | PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB, vendor, device);
  });
  if (!is_done) names_error_ = printable(frame.text);
  return is_done && name != nullptr ? printable(name, 150) : "";
}

std::string PciLibrary::vendor_name(uint16_t vendor) {
  return look_up(PCI_LOOKUP_VENDOR, vendor, 0);
}

std::string PciLibrary::device_name(uint16_t vendor, uint16_t device) {
  return look_up(PCI_LOOKUP_DEVICE, vendor, device);
}

std::optional<PciConfig> PciLibrary::read_config(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  // libpci reads from here and, as all of it is here, never from the device. What lies behind the end reads
  // as what does not answer.
  u8 cache[kConfigSpaceBytes];
  std::memset(cache, 0xff, sizeof cache);
  std::memcpy(cache, bytes.data(), std::min(bytes.size(), sizeof cache));
  ConfigWords words;
  ErrorFrame frame;
  const bool is_done = guarded(frame, [&] {
    pci_dev* device = pci_get_dev(access_->library, 0, 0, 0, 0);
    pci_setup_cache(device, cache, sizeof cache);
    words.vendor = pci_read_word(device, PCI_VENDOR_ID);
    words.device = pci_read_word(device, PCI_DEVICE_ID);
    if (const pci_cap* express = pci_find_cap(device, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
        express != nullptr && words.vendor != 0xffff) {
      words.has_express = true;
      words.most = static_cast<int>(pci_read_long(device, static_cast<int>(express->addr) + PCI_EXP_LNKCAP));
      words.now = pci_read_word(device, static_cast<int>(express->addr) + PCI_EXP_LNKSTA);
    }
    pci_free_dev(device);
  });
  if (!is_done) return std::nullopt;
  PciConfig config{.is_gone = std::ranges::all_of(bytes, [](char c) { return c == '\xff'; }),
                   .vendor = static_cast<uint16_t>(words.vendor),
                   .device = static_cast<uint16_t>(words.device)};
  if (words.has_express) {
    config.most = link_state(words.most);
    config.now = link_state(words.now);
  }
  return config;
}

}  // namespace assay
