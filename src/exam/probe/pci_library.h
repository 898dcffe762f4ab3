// PciLibrary: names of PCI devices out of pci.ids, and what a device's configuration space says of its link.
// The only user of libpci.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

struct PciLinkState {
  int generation = 0;  // 1: 2.5 GT/s … 6: 64 GT/s
  int lanes = 0;
};

// What the first bytes of a configuration space say.
struct PciConfig {
  bool is_gone = false;  // all bits are set: nothing answers there
  uint16_t vendor = 0, device = 0;
  // Of its PCI Express capability, where it could be read (root may, others see the first 64 bytes only).
  std::optional<PciLinkState> most, now;
};

// One thread only.
class PciLibrary {
 public:
  // `ids_file`: the list of names; "": there is none. Fails where libpci does not come up.
  static Result<PciLibrary> open(const std::string& ids_file);
  PciLibrary(PciLibrary&&) noexcept;
  ~PciLibrary();

  // As the list has them; "" of what it lacks. A list that is broken has none: names_error says why.
  std::string vendor_name(uint16_t vendor);
  std::string device_name(uint16_t vendor, uint16_t device);
  const std::string& names_error() const { return names_error_; }

  // Of the first bytes (64 at least, 256 for all that is told here) of a device's file `config`. Nothing of
  // fewer.
  std::optional<PciConfig> read_config(std::string_view bytes);

 private:
  struct Access;
  explicit PciLibrary(std::unique_ptr<Access> access);
  std::string look_up(int flags, int vendor, int device);

  std::unique_ptr<Access> access_;
  std::string names_error_;
};

}  // namespace assay
