// Charts: the data of every chart on the page, in one JSON block that web/ draws. Ids match the page's
// figures.
#pragma once

#include <string>

#include "base/base.h"
#include "report/model.h"

namespace assay {

// {"subjects": [names], "charts": {id: {"kind": …}}}; web/data.ts declares the shapes.
Json chart_data(const Model& model);

// Ids of figures, the same in page and data.
std::string waterfall_id(size_t waterfall, size_t lane);
std::string roofline_id(size_t roofline);
std::string bandwidth_id(size_t device);
std::string curve_id(size_t traffic_class, std::string_view metric);
std::string timeline_id(size_t serving);
std::string sweep_id(std::string_view metric, bool is_users);  // of "ttft_ms" or "tpot_ms" over throughput
std::string capacity_id(size_t serving, size_t tier);
inline constexpr const char* kMatmulId = "matmul";
inline constexpr const char* kBatchingId = "batching";
inline constexpr const char* kAttainmentId = "attainment";
inline constexpr const char* kInterferenceId = "interference";

// Names of traffic classes over all servings, in first-seen order.
std::vector<std::string> traffic_classes(const Model& model);
// Whether some target has two points at least to draw.
bool has_sweep(const Model& model, std::string_view metric, bool is_users);
const ClassResult* find_class(const Serving& serving, std::string_view name);
// Types over all devices, in first-seen order.
std::vector<std::string> matmul_types(const Model& model);
// The limit of `metric` ("ttft_ms") in the SLO that `result` was judged by, or nothing.
std::optional<double> slo_limit(const ClassResult& result, std::string_view metric);
std::optional<double> required_share(const ClassResult& result);  // nothing without limits
bool has_limits(const ClassResult& result);

}  // namespace assay
