// Chips: what is claimed of accelerators, one file a chip in data/chips, every number with unit, basis,
// source, date and grade. Claims that contradict each other stand side by side; what no source tells is not
// there. docs/formats/chips.md is the contract of the files.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

// Primary code or data; a secondary file that cites a vendor; weak or conflicting.
enum class Grade { kA, kB, kC };
std::string_view name_of(Grade);  // "A"

// What a number is of. A card may hold several devices (what software sees as one), a device several dies.
enum class Basis { kDie, kDevice, kCard };
std::string_view name_of(Basis);  // "device"

// The quantities that a claim can be of, and which may be unknown of a chip: one row each.
struct ChipField {
  const char* name;    // "matmul_tflop_per_s"
  const char* title;   // "matrix multiplication"
  const char* unit;    // that every claim of it has: "TFLOP/s"
  const char* metric;  // of assay's metric table that measures the same; "" for none
  bool has_dtype;      // claims name dtype, sparsity and accumulator
};
std::span<const ChipField> chip_fields();
const ChipField* find_chip_field(std::string_view name);  // null if there is none

// The types that a claim may be of: "f16", "bf16", "int8" …
std::span<const char* const> chip_dtypes();

struct ChipClaim {
  const ChipField* field = nullptr;
  double value = 0;
  std::string unit;
  Basis basis = Basis::kCard;
  std::string dtype;     // "f16", "bf16", "tf32", "f32", "f64", "int8", "fp8" …; "" where the field has none
  std::string sparsity;  // "dense", "sparse"; "" unknown or meaningless
  std::string accumulator;  // "f32", "f16"; "" unknown
  std::string source;       // who says so, and where
  std::string date;         // of the source, or when it was read: "2023-10", "2026-11-30"
  Grade grade = Grade::kC;
  std::string note;   // what a reader must know of this claim
  std::string where;  // file:line:column
};

// As the source has it, not rounded: "1307.4 TFLOP/s", "40 GiB".
std::string value_text(const ChipClaim&);
// "f16, dense, accumulated in f32"; what is unknown is not there, "" where all is or the field has no dtype.
std::string kind_text(const ChipClaim&);

struct PciId {
  uint16_t vendor = 0, device = 0;
  std::string source;  // "pci.ids …"
};

struct Chip {
  std::string id;      // "iluvatar-bi-v150": the name of its file
  std::string name;    // "Iluvatar BI-V150"
  std::string vendor;  // id of a software profile: "iluvatar"
  std::vector<std::string>
      aliases;  // as drivers and tools name the device, compared without case: "NVIDIA A100-SXM4-40GB"
  std::vector<PciId> pci_ids;
  uint32_t devices_per_card = 0;  // what all claims of it agree on; 0: unknown
  std::string notes;
  std::vector<ChipClaim> claims;  // in the order of the file
  std::string file;               // "data/chips/iluvatar-bi-v150.toml"

  // Of one field and dtype ("": any), in the order of the file.
  std::vector<const ChipClaim*> claims_of(std::string_view field, std::string_view dtype = "") const;
  // Fields of which nobody claims anything.
  std::vector<const ChipField*> unknown_fields() const;
};

// Immutable once made; any thread.
class ChipCatalogue {
 public:
  // What the program was built with. Never fails in a program whose tests pass.
  static const ChipCatalogue& built_in();
  // Errors are all of one file's, one a line, each file:line:column, at most 20: a number without unit,
  // basis, source, date or grade, an unknown key or field, an id that is not the file's name.
  static Result<Chip> parse(std::string_view text, std::string_view path);
  // Fails where two share an id, name or alias. A PCI id may be shared.
  static Result<ChipCatalogue> make(std::vector<Chip> chips);

  std::span<const Chip> chips() const { return chips_; }  // by id
  const Chip* find(std::string_view id) const;            // null if there is none
  // Several chips may share a PCI id (the same silicon in two memory sizes): all of them.
  std::vector<const Chip*> by_pci(uint16_t vendor, uint16_t device) const;
  // The chip whose id, name or alias a device's own description is or contains as whole words, compared
  // without case, the longest match; null where none is. "A100-SXM4" is one word: a hyphen is part of it.
  const Chip* by_device_name(std::string_view description) const;

 private:
  std::vector<Chip> chips_;
};

// The types in which a chip's peak is claimed that a multiplication with weights of `weights_type` (as ggml
// names it: "f16", "q4_K") may come to, the one to hold it against first; empty for a type that no claim
// speaks of. Libraries multiply f32 in tf32 where there is such a unit; block-quantised weights are
// multiplied in int8, or unpacked to f16, as the library likes: what their kernels can be held against is the
// int8 peak, and the f16 peak only where no int8 peak is claimed; four-bit floats have units of their own on
// some chips. A claim's own type ("tf32") is itself.
std::vector<std::string> claimed_dtypes(std::string_view weights_type);

// docs/chips.md, whole: every claim of every chip, and what nobody claims of it.
std::string chip_reference_markdown(const ChipCatalogue& catalogue);

}  // namespace assay
