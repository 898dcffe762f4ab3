// What was sampled beside the requests of a load trial, thinned for the timeline. Dossiers are not trusted:
// odd columns are passed over.
#include <algorithm>
#include <cmath>
#include <limits>

#include "report/model.h"

namespace assay {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kShortestS = 0.05;  // of a mean power: over less the counter's own steps show
constexpr std::string_view kEnergySuffix = " energy_j";

const Columns* columns_of(const std::vector<Sample>& samples, std::string_view name) {
  const auto found = std::ranges::find_if(samples, [&](const Sample& sample) { return sample.name == name; });
  return found == samples.end() ? nullptr : &found->columns;
}

// Every so many samples one, from the first on, so that at most kTimelineBins are left.
size_t stride_of(size_t rows) {
  return std::max<size_t>(1, (rows + kTimelineBins - 1) / kTimelineBins);
}

void add_server(const Columns& columns, ServerSeries& series) {
  const std::vector<int64_t>* at_ns = columns.integers("at_ns");
  if (at_ns == nullptr) return;
  const size_t stride = stride_of(at_ns->size());
  series.samples = at_ns->size();
  for (size_t row = 0; row < at_ns->size(); row += stride)
    series.at_s.push_back(seconds(Nanos((*at_ns)[row])));
  for (const auto& [name, out] : {std::pair{"running", &series.running},
                                  {"waiting", &series.waiting},
                                  {"kv_usage", &series.kv_usage}}) {
    const std::vector<double>* values = columns.doubles(name);
    if (values == nullptr || values->size() != at_ns->size()) continue;
    for (size_t row = 0; row < values->size(); row += stride) {
      const double value = (*values)[row];
      out->push_back(std::isfinite(value) ? value : kNaN);
    }
  }
}

void add_power(const Columns& columns, ServerSeries& series) {
  const std::vector<int64_t>* at_ns = columns.integers("at_ns");
  if (at_ns == nullptr) return;
  const auto sensor = std::ranges::find_if(columns.columns, [&](const Column& column) {
    return column.is_double && column.size() == at_ns->size() && column.name.ends_with(kEnergySuffix);
  });
  if (sensor == columns.columns.end()) return;
  series.power_sensor = sensor->name.substr(0, sensor->name.size() - kEnergySuffix.size());
  const size_t stride = stride_of(at_ns->size());
  for (size_t row = stride; row < at_ns->size(); row += stride) {
    const double over_s = seconds(Nanos((*at_ns)[row])) - seconds(Nanos((*at_ns)[row - stride]));
    const double watts = (sensor->doubles[row] - sensor->doubles[row - stride]) / over_s;
    if (over_s < kShortestS) continue;
    series.power_at_s.push_back(seconds(Nanos((*at_ns)[row])));
    series.power_w.push_back(std::isfinite(watts) ? watts : kNaN);
  }
}

}  // namespace

ServerSeries make_server_series(const std::vector<Sample>& samples) {
  ServerSeries series;
  if (const Columns* server = columns_of(samples, "server")) add_server(*server, series);
  if (const Columns* power = columns_of(samples, "power")) add_power(*power, series);
  return series;
}

}  // namespace assay
