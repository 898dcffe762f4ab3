// A chip in words; see chip_text.h.
#include "cli/chip_text.h"

#include <fmt/format.h>

#include "report/wrap.h"

namespace assay {
namespace {

constexpr size_t kChipTextColumns = 80;

std::string pci_text(const PciId& id) {
  return fmt::format("{:04x}:{:04x}", id.vendor, id.device);
}

std::string known_as(const Chip& chip) {
  std::vector<std::string> ids;
  for (const PciId& id : chip.pci_ids) ids.push_back(pci_text(id));
  const auto line = [](const char* label, const std::string& text) {
    return text.empty() ? fmt::format("{}— unknown\n", label) : labelled(label, text, kChipTextColumns);
  };
  return line("Vendor:    ", chip.vendor) + line("Known as:  ", join(chip.aliases, ", ")) +
         line("PCI ids:   ", join(ids, ", "));
}

// What is claimed on one line, who says so below it.
std::string claim_text(const ChipClaim& claim) {
  std::string out = fmt::format("  {:<18}{:<8}{:<3}{}", value_text(claim), name_of(claim.basis),
                                name_of(claim.grade), kind_text(claim));
  while (out.ends_with(' ')) out.pop_back();
  out += "\n" + labelled("      ", fmt::format("{}; {}", claim.source, claim.date), kChipTextColumns);
  if (!claim.note.empty()) out += labelled("      ", claim.note, kChipTextColumns);
  return out;
}

Json claim_json(const ChipClaim& claim) {
  Json json = Json::object();
  json.set("field", claim.field->name).set("value", claim.value).set("unit", claim.unit);
  json.set("basis", name_of(claim.basis));
  for (const auto& [key, text] : {std::pair{"dtype", &claim.dtype},
                                  {"sparsity", &claim.sparsity},
                                  {"accumulator", &claim.accumulator}}) {
    if (!text->empty()) json.set(key, *text);
  }
  json.set("source", claim.source).set("date", claim.date).set("grade", name_of(claim.grade));
  if (!claim.note.empty()) json.set("note", claim.note);
  return json;
}

Json strings(const std::vector<std::string>& texts) {
  Json json = Json::array();
  for (const std::string& text : texts) json.push(text);
  return json;
}

}  // namespace

std::string chip_title(const Chip& chip) {
  const size_t known = chip_fields().size() - chip.unknown_fields().size();
  return fmt::format("{}, {}, {} of {} fields known", chip.name,
                     counted(static_cast<int64_t>(chip.claims.size()), "claim"), known, chip_fields().size());
}

std::string chip_text(const Chip& chip) {
  std::string out = known_as(chip);
  if (!chip.notes.empty()) out += "\n" + labelled("", chip.notes, kChipTextColumns);
  out +=
      "\n" +
      labelled("",
               "Below: the claim, what it is of, its grade (A primary code or data, B a secondary file that "
               "cites the vendor, C weak or conflicting); then who says so, and the source's date.",
               kChipTextColumns);
  for (const ChipField& field : chip_fields()) {
    const std::vector<const ChipClaim*> claims = chip.claims_of(field.name);
    out += fmt::format("\n{}{}\n", field.title, claims.empty() ? ": — unknown" : "");
    for (const ChipClaim* claim : claims) out += claim_text(*claim);
  }
  return out;
}

Json chip_json(const Chip& chip) {
  Json json = Json::object(), ids = Json::array(), claims = Json::array(), unknown = Json::array();
  for (const PciId& id : chip.pci_ids)
    ids.push(Json::object()
                 .set("vendor_id", fmt::format("{:04x}", id.vendor))
                 .set("device_id", fmt::format("{:04x}", id.device))
                 .set("source", id.source));
  for (const ChipClaim& claim : chip.claims) claims.push(claim_json(claim));
  for (const ChipField* field : chip.unknown_fields()) unknown.push(field->name);
  json.set("name", chip.id)
      .set("title", chip.name)
      .set("vendor", chip.vendor)
      .set("aliases", strings(chip.aliases));
  json.set("pci_ids", std::move(ids));
  if (chip.devices_per_card != 0) json.set("devices_per_card", chip.devices_per_card);
  if (!chip.notes.empty()) json.set("notes", chip.notes);
  return json.set("claims", std::move(claims)).set("unknown", std::move(unknown)).set("file", chip.file);
}

}  // namespace assay
