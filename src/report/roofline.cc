// Roofline: kernels against ceilings, and the small series of a device (bandwidth over size, types,
// batching).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "catalogue/catalogue.h"
#include "report/claims.h"
#include "report/kernel_source.h"
#include "report/model.h"
#include "report/values.h"

namespace assay {
namespace {

constexpr double kGigaPerTera = 1000;

bool is_plotted(const Record& record) {
  return record.value && std::isfinite(*record.value) && *record.value > 0;
}

bool is_flag_set(const Record& record, std::string_view key) {
  return record.conditions[key].as_bool();
}

std::string point_group(const Record& record) {
  const std::string kernel = condition(record, "kernel"), dtype = condition(record, "dtype");
  const std::string base = !kernel.empty()                            ? kernel
                           : record.metric == "attention_tflop_per_s" ? "attention"
                           : record.metric == "matmul_tflop_per_s"    ? "matmul"
                                                                      : "triad";
  // Kernels are often named with their type already.
  return dtype.empty() || base.ends_with(dtype) ? base : fmt::format("{} {}", base, dtype);
}

// "matmul f16", and whose it is where there are several.
std::string named_with_source(std::string name, const Record& record, bool names_source) {
  const std::string source = names_source ? short_kernels_of(record) : std::string();
  return source.empty() ? name : fmt::format("{} · {}", name, source);
}

void add_point(Roofline& roofline, const Record& record, bool names_source) {
  const double flop_per_byte = record.conditions["flop_per_byte"].as_number();
  if (!(flop_per_byte > 0) || record.evidence_class != EvidenceClass::kMeasured) return;
  const bool is_bandwidth = record.metric == "memory_bandwidth_gb_per_s";
  RooflinePoint point{.group = named_with_source(point_group(record), record, names_source),
                      .kernel = point_group(record),
                      .flop_per_byte = flop_per_byte,
                      .record = &record};
  point.tflop_per_s = is_bandwidth ? *record.value * flop_per_byte / kGigaPerTera : *record.value;
  point.name = point.group;
  for (const char* key : {"m", "n", "k", "queries", "keys"}) {
    const std::string size = condition(record, key);
    if (!size.empty()) point.name += fmt::format(" {}={}", key, size);
  }
  if (is_bandwidth) point.name += " " + format_bytes(record.conditions["size_bytes"].as_integer());
  roofline.points.push_back(std::move(point));
}

void mark_best(std::vector<RooflinePoint>& points) {
  for (RooflinePoint& point : points) {
    point.is_best = std::none_of(points.begin(), points.end(), [&](const RooflinePoint& other) {
      return other.kernel == point.kernel && other.tflop_per_s > point.tflop_per_s;
    });
  }
}

bool is_ceiling(const Record& record) {
  const bool is_resource =
      record.metric == "memory_bandwidth_gb_per_s" || record.metric == "matmul_tflop_per_s";
  // Of claims only those that count are ceilings: see add_claimed_ceilings.
  const bool is_bound = record.evidence_class != EvidenceClass::kMeasured && !is_claim(record) &&
                        condition(record, "of").empty();
  return is_resource && (is_bound || is_flag_set(record, "best")) && condition(record, "memory") != "cache";
}

void add_ceiling(Roofline& roofline, const Record& record, bool names_source) {
  const bool is_bandwidth = record.metric == "memory_bandwidth_gb_per_s";
  const std::string dtype = condition(record, "dtype");
  const std::string grade = condition(record, "grade");
  const std::string claimed = grade.empty() ? "claimed" : fmt::format("claimed (grade {})", grade);
  const std::string_view kind = record.evidence_class == EvidenceClass::kMeasured ? "best kernel"
                                : is_claim(record)                                ? std::string_view(claimed)
                                                                                  : "bound";
  RooflineCeiling ceiling{.is_bandwidth = is_bandwidth, .value = *record.value, .record = &record};
  ceiling.is_of_caches = condition(record, "memory") == "cache";
  ceiling.name = fmt::format("{}{} {} {}",
                             ceiling.is_of_caches ? "caches"
                             : is_bandwidth       ? "memory"
                                                  : "compute",
                             dtype.empty() ? "" : " " + dtype, kind, amount(record));
  if (record.evidence_class == EvidenceClass::kMeasured)
    ceiling.name = named_with_source(std::move(ceiling.name), record, names_source);
  roofline.ceilings.push_back(std::move(ceiling));
}

// The claims that the kernels are held against: of memory, and of the types that they multiply in.
void add_claimed_ceilings(const Model& model, Roofline& roofline) {
  std::vector<const Record*> added;
  const auto add = [&](std::string_view metric, std::span<const std::string> dtypes) {
    const ClaimedPeak peak = claimed_peak(model, *roofline.subject, metric, dtypes);
    if (peak.record == nullptr || std::ranges::find(added, peak.record) != added.end()) return;
    added.push_back(peak.record);
    add_ceiling(roofline, *peak.record, false);
    roofline.ceilings.back().highest_claim = peak.highest;
  };
  add("memory_bandwidth_gb_per_s", {});
  for (const RooflinePoint& point : roofline.points) {
    if (point.record->metric == "matmul_tflop_per_s")
      add(point.record->metric, claimed_dtypes(condition(*point.record, "dtype")));
  }
}

// A flat ceiling next to another of its class says nothing and hides it: the first of each level stays, the
// highest first.
void thin_ceilings(std::vector<RooflineCeiling>& ceilings) {
  constexpr double kApart = 1.05;
  std::stable_sort(ceilings.begin(), ceilings.end(),
                   [](const RooflineCeiling& a, const RooflineCeiling& b) { return a.value > b.value; });
  std::vector<RooflineCeiling> kept;
  for (RooflineCeiling& ceiling : ceilings) {
    const auto hides = [&](const RooflineCeiling& other) {
      const bool is_same_kind = other.is_bandwidth == ceiling.is_bandwidth &&
                                other.is_of_caches == ceiling.is_of_caches &&
                                other.record->evidence_class == ceiling.record->evidence_class;
      // Of measured kernels only the highest is a ceiling: the others are points.
      const bool is_measured = ceiling.record->evidence_class == EvidenceClass::kMeasured;
      return is_same_kind && (is_measured || other.value < ceiling.value * kApart);
    };
    const auto hiding = std::ranges::find_if(kept, hides);
    if (hiding == kept.end())
      kept.push_back(std::move(ceiling));
    else
      hiding->highest_claim = std::max(hiding->highest_claim, ceiling.highest_claim);
  }
  ceilings = std::move(kept);
}

// Which ceilings bound a point.
struct Roof {
  bool has_caches = false;
  bool has_highest_claims = false;  // else each claim is the one that counts, of equals the lowest
};

// The highest that the ceilings permit a kernel of this intensity; 0 where none bounds it.
double roof_over(const Roofline& roofline, double flop_per_byte, Roof roof) {
  double slope = 0, flat = 0;
  for (const RooflineCeiling& ceiling : roofline.ceilings) {
    if (ceiling.is_of_caches && !roof.has_caches) continue;
    double& highest = ceiling.is_bandwidth ? slope : flat;
    highest = std::max({highest, ceiling.value, roof.has_highest_claims ? ceiling.highest_claim : 0});
  }
  slope *= flop_per_byte / kGigaPerTera;
  return slope == 0 ? flat : flat == 0 ? slope : std::min(slope, flat);
}

// The best points of their groups that lie above the roof.
std::vector<std::string> groups_above(const Roofline& roofline, Roof roof) {
  constexpr double kTouches = 1.02;
  std::vector<std::string> groups;
  for (const RooflinePoint& point : roofline.points) {
    const double most = roof_over(roofline, point.flop_per_byte, roof);
    if (point.is_best && most > 0 && point.tflop_per_s > kTouches * most) groups.push_back(point.group);
  }
  return groups;
}

// "X and Y lie above every roof": and why that may be.
std::string words_of_above(const Roofline& roofline, const std::vector<std::string>& above) {
  const bool is_one = above.size() == 1;
  const bool are_measured = std::ranges::all_of(roofline.ceilings, [](const RooflineCeiling& ceiling) {
    return ceiling.record != nullptr && ceiling.record->evidence_class == EvidenceClass::kMeasured;
  });
  const std::string words = fmt::format("{} {} above every roof", join(above, ", "), is_one ? "lies" : "lie");
  if (are_measured) {
    return fmt::format(
        "{}: these are no bounds but what the best copy and matrix kernels reached, and {} more.", words,
        is_one ? "this one reaches" : "these reach");
  }
  return words +
         ", which no claim and no bound allows: one of them or a measurement is wrong, or data stayed in caches.";
}

// A roof is the claim that counts, of equals the lowest: what lies between it and a higher one contradicts
// nobody but the lower.
std::string words_of_between(const std::vector<std::string>& between) {
  return fmt::format(
      "{} {} above the claim that counts, and below a higher one, for which it speaks: the claims contradict "
      "each other.",
      join(between, ", "), between.size() == 1 ? "lies" : "lie");
}

// Data that stays in a cache has the cache's bandwidth for a roof. And a roof that was measured is no bound:
// it is as high as the copy and matrix kernels of this library came, and another kernel may come higher.
void explain_points_above(const Model& model, const Subject& subject, Roofline& roofline) {
  const std::vector<std::string> above_memory = groups_above(roofline, {});
  if (above_memory.empty()) return;
  const Record* caches = nullptr;
  for (const Record& record : model.content->records) {
    const bool is_of_caches = record.subject_id == subject.id && is_plotted(record) &&
                              record.metric == "memory_bandwidth_gb_per_s" &&
                              record.evidence_class == EvidenceClass::kMeasured &&
                              record.validity != Validity::kVoid && condition(record, "memory") == "cache";
    if (is_of_caches && (caches == nullptr || *record.value > *caches->value)) caches = &record;
  }
  const std::vector<std::string> above_all = [&] {
    if (caches == nullptr) return above_memory;
    add_ceiling(roofline, *caches, has_kit(*model.content, subject.id));
    return groups_above(roofline, {.has_caches = true});
  }();
  if (caches != nullptr && above_all.size() < above_memory.size())
    roofline.above =
        "Above the memory's roof lies what keeps its data in caches, which have a roof of their own.";
  const std::vector<std::string> above_claims =
      groups_above(roofline, {.has_caches = caches != nullptr, .has_highest_claims = true});
  std::vector<std::string> between;
  std::ranges::copy_if(above_all, std::back_inserter(between), [&](const std::string& group) {
    return std::ranges::find(above_claims, group) == above_claims.end();
  });
  const auto add = [&](const std::string& words) {
    roofline.above += (roofline.above.empty() ? "" : " ") + words;
  };
  if (!between.empty()) add(words_of_between(between));
  if (!above_claims.empty()) add(words_of_above(roofline, above_claims));
}

Series& series_of(std::vector<Series>& all, const std::string& label) {
  for (Series& series : all) {
    if (series.label == label) return series;
  }
  all.push_back({.label = label});
  return all.back();
}

void sort_by_x(Series& series) {
  std::vector<size_t> order(series.x.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return series.x[a] < series.x[b]; });
  Series sorted{.label = series.label};
  for (const size_t i : order) {
    sorted.x.push_back(series.x[i]);
    sorted.records.push_back(series.records[i]);
  }
  series = std::move(sorted);
}

bool is_engine_metric(std::string_view metric) {
  return metric == "prefill_tokens_per_s" || metric == "decode_tokens_per_s" || metric == "model_load_s" ||
         metric == "model_memory_bytes" || metric == "engine_efficiency";
}

bool is_other_metric(std::string_view metric) {
  return metric == "launch_overhead_us" || metric == "host_to_device_gb_per_s" ||
         metric == "device_to_host_gb_per_s" || metric == "all_reduce_gb_per_s" ||
         metric == "attention_tflop_per_s" || metric == "roofline_efficiency";
}

// The best of each type: the record that says so, else the largest.
void keep_best(std::vector<const Record*>& best, const Record& record) {
  for (const Record*& kept : best) {
    if (condition(*kept, "dtype") != condition(record, "dtype")) continue;
    if (record.value.value_or(0) > kept->value.value_or(0)) kept = &record;
    return;
  }
  best.push_back(&record);
}

void add_to_device(DeviceResult& device, const Record& record) {
  const bool is_measured = record.evidence_class == EvidenceClass::kMeasured;
  const double size_bytes = record.conditions["size_bytes"].as_number();
  if (record.metric == "memory_bandwidth_gb_per_s" && is_measured && size_bytes > 0) {
    Series& series = series_of(device.bandwidth, condition(record, "kernel"));
    series.x.push_back(size_bytes);
    series.records.push_back(&record);
  } else if (record.metric == "matmul_tflop_per_s" && is_measured) {
    keep_best(device.matmul_best, record);
  } else if (record.metric == "batched_decode_tokens_per_s") {
    device.batching.x.push_back(record.conditions["sequences"].as_number());
    device.batching.records.push_back(&record);
  } else if (is_engine_metric(record.metric)) {
    device.engine.push_back(&record);
  } else if (is_other_metric(record.metric)) {
    device.other.push_back(&record);
  }
}

// The result of a target among those of its subject, which begin at `first`.
DeviceResult& device_of(const Model& model, std::vector<DeviceResult>& devices, size_t first,
                        const Subject& subject, const std::string& target) {
  for (size_t i = first; i < devices.size(); ++i) {
    if (devices[i].target == target) return devices[i];
  }
  devices.push_back({.subject = &subject, .target = target, .label = target_label(model, subject, target)});
  return devices.back();
}

// The target of a record of the roofline exam; of an efficiency, which is derived over its trials, the one
// that it names. Nothing for other records.
std::optional<std::string> roofline_target(const Model& model, const Record& record) {
  const Trial* trial = model.trial(record.trial_id);
  if (trial == nullptr && record.metric == "engine_efficiency") return condition(record, "target");
  if (trial == nullptr || trial->exam != "roofline") return std::nullopt;
  return trial->target;
}

}  // namespace

std::vector<Roofline> make_rooflines(const Model& model) {
  std::vector<Roofline> rooflines;
  for (const Subject* subject : model.subjects) {
    Roofline roofline{.subject = subject};
    const bool names_source = has_kit(*model.content, subject->id);
    for (const Record& record : model.content->records) {
      if (record.subject_id != subject->id || !is_plotted(record)) continue;
      add_point(roofline, record, names_source);
      if (is_ceiling(record)) add_ceiling(roofline, record, names_source);
    }
    mark_best(roofline.points);
    add_claimed_ceilings(model, roofline);
    thin_ceilings(roofline.ceilings);
    explain_points_above(model, *subject, roofline);
    if (!roofline.points.empty()) rooflines.push_back(std::move(roofline));
  }
  return rooflines;
}

const Record* theoretical_bound(const Model& model, const Subject& subject, std::string_view metric,
                                std::optional<std::string_view> dtype) {
  const Record* best = nullptr;
  for (const Record& record : model.content->records) {
    const bool is_candidate = record.subject_id == subject.id && record.metric == metric &&
                              is_plotted(record) && record.validity != Validity::kVoid &&
                              condition(record, "bound") == "theoretical" &&
                              (!dtype || condition(record, "dtype") == *dtype);
    if (is_candidate && (best == nullptr || *record.value > *best->value)) best = &record;
  }
  return best;
}

std::vector<DeviceResult> make_device_results(const Model& model) {
  std::vector<DeviceResult> devices;
  for (const Subject* subject : model.subjects) {
    const size_t first = devices.size();
    for (const Record& record : model.content->records) {
      const std::optional<std::string> target = roofline_target(model, record);
      if (record.subject_id != subject->id || !target) continue;
      add_to_device(device_of(model, devices, first, *subject, *target), record);
    }
  }
  std::erase_if(devices, [](const DeviceResult& device) {
    return device.bandwidth.empty() && device.matmul_best.empty() && device.batching.records.empty() &&
           device.engine.empty() && device.other.empty();
  });
  const Subject* last = nullptr;
  for (DeviceResult& device : devices) {
    device.has_claims = device.subject != last && !claim_rows(model, *device.subject).empty();
    last = device.subject;
    for (Series& series : device.bandwidth) sort_by_x(series);
    sort_by_x(device.batching);
  }
  return devices;
}

}  // namespace assay
