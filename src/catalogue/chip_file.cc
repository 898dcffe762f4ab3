// Files of chips: a TOML document becomes a Chip in which every number has unit, basis, source, date and
// grade, or all that is wrong with it is told, each with its place. docs/formats/chips.md is the contract.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/base.h"
#include "catalogue/chips.h"

namespace assay {
namespace {

constexpr size_t kMostErrors = 20;
constexpr size_t kMostClaims = 500;
constexpr size_t kMostNames = 100;
constexpr size_t kMostTextBytes = 2000;
constexpr double kLargestValue = 1e18;
constexpr int64_t kLargestId = 0xffff;

bool is_plain(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return text.size() <= kMostTextBytes && std::ranges::none_of(text, is_control);
}

// "nvidia-a100-40gb-sxm": also the name of a file.
bool is_id(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= 80 && text.front() != '.' && std::ranges::all_of(text, is_allowed);
}

// "2023", "2023-10" or "2026-11-30".
bool is_date(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '-');
  constexpr std::array<std::pair<int64_t, int64_t>, 3> kLimits = {{{1990, 2199}, {1, 12}, {1, 31}}};
  if (parts.size() > kLimits.size()) return false;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::optional<int64_t> number = parse_integer(parts[i]);
    const bool is_right_length = parts[i].size() == (i == 0 ? 4 : 2);
    if (!number || !is_right_length || *number < kLimits[i].first || *number > kLimits[i].second)
      return false;
  }
  return true;
}

class ChipReader {
 public:
  explicit ChipReader(std::string_view path) : path_(path) { chip_.file = path; }

  Result<Chip> read(const TomlValue& document) {
    for (const TomlMember& member : document.members) read_member(member);
    for (const char* key : {"id", "name", "vendor"}) {
      if (!has_or_means(document, key)) error({1, 1}, fmt::format("the file has no {}", key));
    }
    check_id(document);
    settle_devices_per_card();
    if (errors_.empty()) return std::move(chip_);
    return std::unexpected(combined());
  }

 private:
  void error(TomlPosition at, std::string what) { errors_.emplace_back(at, std::move(what)); }

  Error combined() {
    std::ranges::stable_sort(errors_, {},
                             [](const auto& e) { return std::pair(e.first.line, e.first.column); });
    Error all{errors_[0].second, toml_where(path_, errors_[0].first),
              "docs/formats/chips.md describes every key of a chip's file."};
    for (size_t i = 1; i < std::min(errors_.size(), kMostErrors); ++i)
      append_format(all.what, "\n{}: {}", toml_where(path_, errors_[i].first), errors_[i].second);
    if (errors_.size() > kMostErrors) append_format(all.what, "\nand {} more", errors_.size() - kMostErrors);
    return all;
  }

  void unknown_key(const TomlMember& member, std::string_view place, std::span<const std::string> known) {
    if (std::optional<std::string> meant = nearest(member.key, known))
      slips_.emplace_back(member.key_at, std::move(*meant));
    error(member.key_at, fmt::format("unknown key '{}'{}.{}", printable(member.key, 60), place,
                                     suggestion(member.key, known)));
  }

  // A slip for a known key is an error already; that the known one is missing would be a second for it.
  bool has_or_means(const TomlValue& table, std::string_view key) const {
    return std::ranges::any_of(table.members, [&](const TomlMember& member) {
      return member.key == key || std::ranges::any_of(slips_, [&](const auto& slip) {
               return slip.first == member.key_at && slip.second == key;
             });
    });
  }

  void read_text(const TomlMember& member, std::string& out) {
    const TomlValue& value = member.value;
    if (value.kind != TomlKind::kString)
      return error(value.at, fmt::format("{} must be a string", printable(member.key)));
    if (trim(value.text).empty()) return error(value.at, fmt::format("{} is empty", member.key));
    if (!is_plain(value.text))
      return error(value.at, fmt::format("{} must be one line of at most {} bytes without control characters",
                                         member.key, kMostTextBytes));
    out = value.text;
  }

  void read_member(const TomlMember& member) {
    const std::string& key = member.key;
    if (key == "id") return read_text(member, chip_.id);
    if (key == "name") return read_text(member, chip_.name);
    if (key == "vendor") return read_text(member, chip_.vendor);
    if (key == "notes") return read_text(member, chip_.notes);
    if (key == "aliases") return read_aliases(member);
    if (key == "pci") return read_tables(member, [&](const TomlValue& table) { read_pci(table); });
    if (key == "claim") return read_tables(member, [&](const TomlValue& table) { read_claim(table); });
    static const std::string known[] = {"id", "name", "vendor", "notes", "aliases", "pci", "claim"};
    unknown_key(member, "", known);
  }

  void check_id(const TomlValue& document) {
    const TomlValue* value = document.find("id");
    if (value == nullptr || chip_.id.empty()) return;
    if (!is_id(chip_.id)) {
      return error(value->at,
                   "an id has at most 80 small letters, digits, hyphens and dots, as \"nvidia-h20\"");
    }
    std::string_view file = path_;
    if (const size_t slash = file.rfind('/'); slash != std::string_view::npos) file.remove_prefix(slash + 1);
    if (file != chip_.id + ".toml")
      error(value->at, fmt::format("the id is '{}', but the file is not {}.toml", chip_.id, chip_.id));
  }

  void read_aliases(const TomlMember& member) {
    if (member.value.kind != TomlKind::kArray || member.value.items.size() > kMostNames)
      return error(member.value.at,
                   fmt::format("aliases must be an array of at most {} strings", kMostNames));
    for (const TomlValue& item : member.value.items) {
      std::string alias;
      read_text({member.key, member.key_at, item}, alias);
      if (alias.empty()) continue;
      const bool is_twice =
          std::ranges::any_of(chip_.aliases, [&](const std::string& a) { return lower(a) == lower(alias); });
      if (is_twice) error(item.at, fmt::format("'{}' stands in aliases twice", printable(alias)));
      chip_.aliases.push_back(std::move(alias));
    }
  }

  template <class Read>
  void read_tables(const TomlMember& member, Read read) {
    const std::vector<TomlValue>& items = member.value.items;
    const bool are_tables =
        member.value.kind == TomlKind::kArray && items.size() <= kMostClaims &&
        std::ranges::all_of(items, [](const TomlValue& item) { return item.kind == TomlKind::kTable; });
    if (!are_tables) {
      return error(member.key_at, fmt::format("{0} must be written as [[{0}]] tables, at most {1}",
                                              member.key, kMostClaims));
    }
    for (const TomlValue& item : items) read(item);
  }

  void read_pci_number(const TomlMember& member, uint16_t& out) {
    const TomlValue& value = member.value;
    if (value.kind != TomlKind::kInteger || value.integer < 1 || value.integer > kLargestId)
      return error(value.at,
                   fmt::format("{} must be a PCI id between 0x0001 and 0xffff, as 0x10de", member.key));
    out = static_cast<uint16_t>(value.integer);
  }

  void require(const TomlValue& table, std::string_view name, std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (!has_or_means(table, key)) error(table.at, fmt::format("this {} has no {}", name, key));
    }
  }

  void read_pci(const TomlValue& table) {
    static const std::string known[] = {"vendor", "device", "source"};
    PciId id;
    for (const TomlMember& member : table.members) {
      if (member.key == "vendor") {
        read_pci_number(member, id.vendor);
      } else if (member.key == "device") {
        read_pci_number(member, id.device);
      } else if (member.key == "source") {
        read_text(member, id.source);
      } else {
        unknown_key(member, " in [[pci]]", known);
      }
    }
    require(table, "PCI id", {"vendor", "device", "source"});
    const bool is_twice = std::ranges::any_of(chip_.pci_ids, [&](const PciId& other) {
      return other.vendor == id.vendor && other.device == id.device;
    });
    if (is_twice)
      error(table.at, fmt::format("the PCI id {:04x}:{:04x} stands here twice", id.vendor, id.device));
    chip_.pci_ids.push_back(std::move(id));
  }

  // One of the words of `known`, or an error that has the nearest.
  void read_word(const TomlMember& member, std::span<const std::string> known, std::string& out) {
    std::string word;
    read_text(member, word);
    if (word.empty()) return;
    if (std::ranges::find(known, word) == known.end()) {
      return error(member.value.at,
                   fmt::format("unknown {} '{}'; it is one of {}.{}", member.key, printable(word, 60),
                               join(known, ", "), suggestion(word, known)));
    }
    out = std::move(word);
  }

  void read_field(const TomlMember& member, ChipClaim& claim) {
    std::vector<std::string> names;
    for (const ChipField& field : chip_fields()) names.emplace_back(field.name);
    std::string name;
    read_word(member, names, name);
    claim.field = find_chip_field(name);
  }

  void read_value(const TomlMember& member, ChipClaim& claim) {
    const TomlValue& value = member.value;
    if (!value.is_number()) return error(value.at, "value must be a number");
    // Written so that nan fails it. What is 0 is no promise: it is left out.
    if (!(value.number > 0 && value.number <= kLargestValue))
      return error(value.at, fmt::format("value must be above 0 and at most {:g}, but is {}", kLargestValue,
                                         value.number));
    claim.value = value.number;
  }

  void read_basis(const TomlMember& member, ChipClaim& claim) {
    static const std::string names[] = {"die", "device", "card"};
    std::string name;
    read_word(member, names, name);
    for (const Basis basis : {Basis::kDie, Basis::kDevice, Basis::kCard}) {
      if (name_of(basis) == name) claim.basis = basis;
    }
  }

  void read_grade(const TomlMember& member, ChipClaim& claim) {
    static const std::string names[] = {"A", "B", "C"};
    std::string name;
    read_word(member, names, name);
    for (const Grade grade : {Grade::kA, Grade::kB, Grade::kC}) {
      if (name_of(grade) == name) claim.grade = grade;
    }
  }

  void read_date(const TomlMember& member, ChipClaim& claim) {
    // A whole date may also be written without quotes.
    const bool is_text = member.value.kind == TomlKind::kString || member.value.kind == TomlKind::kDate;
    if (!is_text || !is_date(member.value.text))
      return error(member.value.at,
                   "date must be a year, month or day, as \"2023\", \"2023-10\" or \"2023-10-31\"");
    claim.date = member.value.text;
  }

  void read_claim_member(const TomlMember& member, ChipClaim& claim) {
    static const std::string known[] = {"field",       "value",  "unit", "basis", "dtype", "sparsity",
                                        "accumulator", "source", "date", "grade", "note"};
    static const std::vector<std::string> dtypes(chip_dtypes().begin(), chip_dtypes().end());
    static const std::string sparsities[] = {"dense", "sparse"};
    static const std::string accumulators[] = {"f32", "f16", "bf16", "int32", "f64"};
    const std::string& key = member.key;
    if (key == "field") return read_field(member, claim);
    if (key == "value") return read_value(member, claim);
    if (key == "unit") return read_text(member, claim.unit);
    if (key == "basis") return read_basis(member, claim);
    if (key == "dtype") return read_word(member, dtypes, claim.dtype);
    if (key == "sparsity") return read_word(member, sparsities, claim.sparsity);
    if (key == "accumulator") return read_word(member, accumulators, claim.accumulator);
    if (key == "source") return read_text(member, claim.source);
    if (key == "date") return read_date(member, claim);
    if (key == "grade") return read_grade(member, claim);
    if (key == "note") return read_text(member, claim.note);
    unknown_key(member, " in [[claim]]", known);
  }

  // What keys say of each other.
  void check_claim(const TomlValue& table, const ChipClaim& claim) {
    if (claim.field == nullptr) return;
    if (const TomlValue* unit = table.find("unit"); !claim.unit.empty() && claim.unit != claim.field->unit) {
      error(unit->at, fmt::format("the unit of {} is {}, not '{}': convert the value, and say so in a note",
                                  claim.field->name, claim.field->unit, printable(claim.unit, 40)));
    }
    if (claim.field->has_dtype && !has_or_means(table, "dtype"))
      error(table.at, fmt::format("this claim of {} has no dtype", claim.field->name));
    for (const char* key : {"dtype", "sparsity", "accumulator"}) {
      const TomlValue* value = claim.field->has_dtype ? nullptr : table.find(key);
      if (value != nullptr) error(value->at, fmt::format("{} has no {}", claim.field->name, key));
    }
    const bool is_whole = claim.value == std::floor(claim.value);
    constexpr std::array<std::string_view, 3> kCounts = {"bytes", "lanes", "devices"};
    if (std::ranges::find(kCounts, claim.field->unit) != kCounts.end() && !is_whole)
      error(table.find("value")->at, fmt::format("{} must be a whole number", claim.field->name));
  }

  void read_claim(const TomlValue& table) {
    ChipClaim claim;
    for (const TomlMember& member : table.members) read_claim_member(member, claim);
    require(table, "claim", {"field", "value", "unit", "basis", "source", "date", "grade"});
    check_claim(table, claim);
    claim.where = toml_where(path_, table.at);
    const bool is_twice = std::ranges::any_of(chip_.claims, [&](const ChipClaim& other) {
      return other.field == claim.field && other.value == claim.value && other.basis == claim.basis &&
             other.dtype == claim.dtype && other.sparsity == claim.sparsity && other.source == claim.source;
    });
    if (is_twice && claim.field != nullptr) error(table.at, "this claim stands here twice");
    chip_.claims.push_back(std::move(claim));
  }

  // Claims that differ leave it unknown: no number of a card is then brought to a device.
  void settle_devices_per_card() {
    double agreed = 0;
    for (const ChipClaim& claim : chip_.claims) {
      if (claim.field == nullptr || claim.field != find_chip_field("devices_per_card")) continue;
      if (agreed != 0 && claim.value != agreed) return;
      agreed = claim.value;
    }
    constexpr double kMost = 1000;
    if (agreed <= kMost) chip_.devices_per_card = static_cast<uint32_t>(agreed);
  }

  std::string path_;
  Chip chip_;
  std::vector<std::pair<TomlPosition, std::string>> errors_;
  std::vector<std::pair<TomlPosition, std::string>> slips_;
};

}  // namespace

Result<Chip> ChipCatalogue::parse(std::string_view text, std::string_view path) {
  ASSIGN_OR_RETURN(const TomlValue document, parse_toml(text, path));
  return ChipReader(path).read(document);
}

}  // namespace assay
