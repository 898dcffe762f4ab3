// docs/chips.md: every claim of every chip as tables, made from the catalogue.
#include <fmt/format.h>

#include <string>

#include "base/base.h"
#include "catalogue/chips.h"

namespace assay {
namespace {

// A bar would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string pci_text(const Chip& chip) {
  std::vector<std::string> ids;
  for (const PciId& id : chip.pci_ids)
    ids.push_back(fmt::format("`{:04x}:{:04x}` ({})", id.vendor, id.device, id.source));
  return ids.empty() ? "— unknown" : join(ids, ", ");
}

std::string claim_row(const ChipClaim& claim) {
  const std::string note = claim.note.empty() ? "" : fmt::format("<br>{}", cell(claim.note));
  const std::string kind = kind_text(claim);
  return fmt::format("| {}{}{} | {} | {} | {} | {}{} | {} |\n", claim.field->title, kind.empty() ? "" : ", ",
                     kind, value_text(claim), name_of(claim.basis), name_of(claim.grade), cell(claim.source),
                     note, claim.date);
}

std::string chip_section(const Chip& chip) {
  std::string out =
      fmt::format("\n## {}\n\n`{}`, vendor `{}`. Known as: {}.\nPCI ids: {}.\n", chip.name, chip.id,
                  chip.vendor, chip.aliases.empty() ? "—" : join(chip.aliases, ", "), pci_text(chip));
  if (!chip.notes.empty()) out += fmt::format("\n{}\n", chip.notes);
  out += "\n| of | claim | basis | grade | source | date |\n|---|---:|---|---|---|---|\n";
  for (const ChipField& field : chip_fields()) {
    const std::vector<const ChipClaim*> claims = chip.claims_of(field.name);
    for (const ChipClaim* claim : claims) out += claim_row(*claim);
    if (claims.empty()) out += fmt::format("| {} | — unknown | | | | |\n", field.title);
  }
  return out;
}

}  // namespace

std::string chip_reference_markdown(const ChipCatalogue& catalogue) {
  std::string out =
      "# Chips\n\n"
      "Made by `assay help --reference chips` from the files of `data/chips`, whose contract is\n"
      "[formats/chips.md](formats/chips.md). Every number is somebody's claim, none is a measurement; claims that\n"
      "contradict each other stand side by side, and what no source tells is unknown.\n\n"
      "Grades: **A** primary code or data, **B** a secondary file that cites the vendor, **C** weak or conflicting.\n"
      "Basis: what a number is of. A card may hold several devices (what software sees as one), a device several dies.\n"
      "TFLOP/s are 10¹² operations per second, of integers too. Links between devices count both directions.\n";
  for (const Chip& chip : catalogue.chips()) out += chip_section(chip);
  return out;
}

}  // namespace assay
