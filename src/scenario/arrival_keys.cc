// Reading and checking the keys of arrivals; see arrival_keys.h.
#include "scenario/arrival_keys.h"

#include <fmt/format.h>

#include <array>

namespace assay {
namespace {

constexpr size_t kMostCurvePoints = 10'000;

struct KeyOfKinds {
  const char* key;
  bool (*applies)(const Arrivals& arrivals);
  const char* kinds;
};
constexpr KeyOfKinds kKeys[] = {
    {"cv", [](const Arrivals& a) { return a.kind == Arrivals::Kind::kGamma; }, "\"gamma\""},
    {"users", [](const Arrivals& a) { return a.kind == Arrivals::Kind::kClosed; }, "\"closed\""},
    {"pause_s", [](const Arrivals& a) { return a.kind == Arrivals::Kind::kClosed; }, "\"closed\""},
    {"rate_curve", [](const Arrivals& a) { return a.has_rate(); }, "\"poisson\", \"constant\" and \"gamma\""},
};

}  // namespace

void read_arrival_kind(Reader& reader, const TomlMember& member, Arrivals& arrivals) {
  std::vector<std::string> names;
  for (const ArrivalKindRow& row : arrival_kinds()) names.emplace_back(row.name);
  std::string name;
  reader.read_choice(member, names, name);
  for (const ArrivalKindRow& row : arrival_kinds()) {
    if (name == row.name) arrivals.kind = row.kind;
  }
}

void read_rate_curve(Reader& reader, const TomlMember& member, Arrivals& arrivals) {
  const TomlValue& value = member.value;
  const char* wanted =
      "rate_curve is a list of points [seconds, relative rate]: [[0, 1], [43200, 4], [86400, 1]]";
  if (value.kind != TomlKind::kArray || value.items.size() > kMostCurvePoints)
    return reader.error(value.at, wanted);
  std::vector<RatePoint> curve;
  for (const TomlValue& item : value.items) {
    const bool is_point = item.kind == TomlKind::kArray && item.items.size() == 2 &&
                          item.items[0].is_number() && item.items[1].is_number();
    if (!is_point) return reader.error(item.at, wanted);
    curve.push_back({item.items[0].number, item.items[1].number});
  }
  const std::string problem = curve_problem(curve);
  if (!problem.empty() || curve.empty()) {
    return reader.error(
        value.at, fmt::format("this rate_curve cannot be: {}", curve.empty() ? "it has no points" : problem));
  }
  arrivals.curve = std::move(curve);
}

void check_arrival_keys(Reader& reader, const TomlValue& table, const Arrivals& arrivals) {
  for (const KeyOfKinds& row : kKeys) {
    const TomlValue* value = table.find(row.key);
    if (value == nullptr || row.applies(arrivals)) continue;
    reader.error(value->at, fmt::format("{} goes with arrivals = {}, not with \"{}\"", row.key, row.kinds,
                                        name_of(arrivals.kind)));
  }
}

}  // namespace assay
