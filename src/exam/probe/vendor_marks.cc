// One pass over a text for the marks of all vendors; see vendor_marks.h.
#include "exam/probe/vendor_marks.h"

#include <algorithm>

namespace assay {
namespace {

constexpr size_t kMostMarkWordBytes = 60;

char lower_letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_word_letter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

uint32_t beginning_of(std::string_view text) {
  uint32_t key = 0;
  for (size_t i = 0; i < 4; ++i) key = key << 8 | static_cast<unsigned char>(lower_letter(text[i]));
  return key;
}

bool begins_with(std::string_view text, std::string_view mark) {
  return text.size() >= mark.size() &&
         std::equal(mark.begin(), mark.end(), text.begin(),
                    [](char wanted, char is) { return wanted == lower_letter(is); });
}

std::string word_at(std::string_view text, size_t at) {
  while (at > 0 && is_word_letter(text[at - 1])) --at;
  size_t end = at;
  const auto goes_on = [](char c) { return is_word_letter(c) || c == '.' || c == '_' || c == '-'; };
  while (end < text.size() && end - at < kMostMarkWordBytes && goes_on(text[end])) ++end;
  return printable(text.substr(at, end - at), kMostMarkWordBytes);
}

}  // namespace

VendorMarks::VendorMarks(const ProfileCatalogue& profiles) {
  for (const VendorProfile& profile : profiles.profiles()) {
    for (const std::string& mark : profile.marks)
      by_beginning_[beginning_of(mark)].push_back({&profile, mark});
  }
}

std::vector<VendorMark> VendorMarks::find(std::string_view text) const {
  std::vector<VendorMark> found;
  for (size_t at = 0; at + 4 <= text.size(); ++at) {
    const bool is_after_lib = at >= 3 && begins_with(text.substr(at - 3), "lib");
    if (at > 0 && is_word_letter(text[at - 1]) && !is_after_lib) continue;
    const auto marks = by_beginning_.find(beginning_of(text.substr(at)));
    if (marks == by_beginning_.end()) continue;
    for (const Mark& mark : marks->second) {
      if (!begins_with(text.substr(at), mark.text)) continue;
      if (std::ranges::find(found, mark.profile, &VendorMark::profile) == found.end())
        found.push_back({mark.profile, word_at(text, at)});
    }
  }
  return found;
}

}  // namespace assay
