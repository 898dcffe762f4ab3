// Reading sysfs as foreign text: files of one short value, each bounded, and what is no such value is a
// finding that names the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base.h"
#include "evidence/evidence.h"
#include "exam/probe/host_roots.h"

namespace assay {

// One thread only. What is not there is nothing; what is there and cannot be read, or holds what the kernel
// never writes there, is nothing and a finding (probe.corrupt-sysfs; 20 at most, then how many more).
class SysfsReader {
 public:
  // `roots`: of the host, whose own names of its files findings bear.
  explicit SysfsReader(HostRoots roots) : roots_(std::move(roots)) {}

  std::optional<std::string> text(const std::string& file);  // one line, trimmed, printable
  std::optional<int64_t> integer(const std::string& file, int64_t least, int64_t most);
  std::optional<uint32_t> hex(const std::string& file, uint32_t most);  // "0x10de"
  std::optional<std::string> whole(const std::string& file);            // several lines, 64 KiB at most
  // The last part of what a link points at: "nvidia" of "../../bus/pci/drivers/nvidia".
  std::optional<std::string> link_name(const std::string& link);

  void complain(const std::string& file, std::string_view what);
  // All that was complained of, once.
  std::vector<Finding> take_findings();

 private:
  HostRoots roots_;
  std::vector<Finding> findings_;
  int64_t left_out_ = 0;
};

}  // namespace assay
