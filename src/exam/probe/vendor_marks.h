// Names by which a vendor's files give themselves away, found in one pass over a text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/base.h"
#include "catalogue/catalogue.h"

namespace assay {

struct VendorMark {
  const VendorProfile* profile = nullptr;
  std::string word;  // what stands there, printable: "libixcl.so"
};

// Immutable once made; any thread. `profiles` must outlive it.
class VendorMarks {
 public:
  explicit VendorMarks(const ProfileCatalogue& profiles);

  // The first mark of each vendor in `text`, compared without case, where a word begins (or goes on after
  // "lib"). Costs one look at each byte.
  std::vector<VendorMark> find(std::string_view text) const;

 private:
  struct Mark {
    const VendorProfile* profile;
    std::string text;  // lower case, at least four bytes
  };
  std::unordered_map<uint32_t, std::vector<Mark>> by_beginning_;
};

}  // namespace assay
