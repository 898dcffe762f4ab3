// Writing requests one by one; see samples_file.h.
#include "load/samples_file.h"

#include <fmt/format.h>

#include <iterator>

#include "os/os.h"
#include "workload/workload.h"

namespace assay {
namespace {

constexpr size_t kFlushBytes = 1 << 20;

// The columns of one load trial.
struct RequestColumns {
  const Json& classes;
  const Columns& requests;
  const Columns* chunks = nullptr;  // null: not kept
  int64_t start_ns = 0;
  size_t rows = 0;

  // 0 where a column is absent or too short: dossiers are not trusted.
  int64_t at(const char* column, size_t row) const {
    const std::vector<int64_t>* values = requests.integers(column);
    return values != nullptr && row < values->size() ? (*values)[row] : 0;
  }
  // An instant of CLOCK_MONOTONIC; 0: it never happened.
  int64_t instant_ns(const char* column, size_t row) const {
    const int64_t at_ns = at(column, row);
    return at_ns == 0 ? 0 : start_ns + at_ns;
  }
  std::string class_name(size_t row) const {
    const int64_t index = at("class", row);
    const bool is_known = index >= 0 && static_cast<size_t>(index) < classes.items().size();
    return is_known ? classes.items()[static_cast<size_t>(index)].as_string() : fmt::format("{}", index);
  }
  // "ok", or the cause of the failure.
  std::string outcome(size_t row) const {
    const int64_t cause = at("failure", row);
    if (cause == 0) return "ok";
    const bool is_known = cause > 0 && cause <= static_cast<int64_t>(FailureCause::kServerError);
    return is_known ? std::string(name_of(static_cast<FailureCause>(cause))) : "unknown";
  }
};

const Columns* find(const std::vector<Sample>& samples, std::string_view name) {
  for (const Sample& sample : samples) {
    if (sample.name == name) return &sample.columns;
  }
  return nullptr;
}

std::string json_text(std::string_view text) {
  return Json(printable(text, 1000)).dump();
}

// A field of CSV (RFC 4180).
std::string csv_text(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::span<const std::byte> bytes_of(const fmt::memory_buffer& buffer) {
  return std::as_bytes(std::span(buffer.data(), buffer.size()));
}

// Writes what `row` appends for each request of each load trial, in the order of the plan.
using RowWriter = void (*)(const Trial& trial, const RequestColumns& columns, size_t row, size_t& first_chunk,
                           fmt::memory_buffer& out);
Result<void> write_rows(const Dossier& dossier, const std::string& path, std::string_view head,
                        RowWriter write) {
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  fmt::memory_buffer out;
  out.append(head);
  for (const Trial& trial : content.trials) {
    if (trial.exam != "load") continue;
    ASSIGN_OR_RETURN(const std::vector<Sample> samples, dossier.read_samples(trial.id));
    const Columns* requests = find(samples, "requests");
    if (requests == nullptr) continue;
    RequestColumns columns{.classes = trial.parameters["classes"],
                           .requests = *requests,
                           .chunks = find(samples, "chunks"),
                           .rows = requests->rows()};
    const Columns* clock = find(samples, "clock");
    const std::vector<int64_t>* start = clock == nullptr ? nullptr : clock->integers("start_ns");
    if (start != nullptr && !start->empty()) columns.start_ns = start->front();
    size_t first_chunk = 0;
    for (size_t row = 0; row < columns.rows; ++row) {
      write(trial, columns, row, first_chunk, out);
      if (out.size() < kFlushBytes) continue;
      RETURN_IF_ERROR(file.append(bytes_of(out)));
      out.clear();
    }
  }
  RETURN_IF_ERROR(file.append(bytes_of(out)));
  return file.commit();
}

void write_json_row(const Trial& trial, const RequestColumns& columns, size_t row, size_t& first_chunk,
                    fmt::memory_buffer& out) {
  const auto end = std::back_inserter(out);
  fmt::format_to(end, R"({{"request_id":"assay-{}","trial":{},"class":{},"outcome":"{}")",
                 columns.at("id", row), json_text(trial.name), json_text(columns.class_name(row)),
                 columns.outcome(row));
  for (const char* name : {"scheduled_ns", "sent_ns", "first_ns", "last_ns", "end_ns"}) {
    const int64_t at_ns = columns.instant_ns(name, row);
    at_ns == 0 ? fmt::format_to(end, R"(,"{}":null)", name) : fmt::format_to(end, R"(,"{}":{})", name, at_ns);
  }
  fmt::format_to(end, R"(,"prompt_tokens":{},"output_tokens":{},"in_window":{},"good":{},"chunk_ns":[)",
                 columns.at("prompt_tokens", row), columns.at("output_tokens", row),
                 columns.at("in_window", row) != 0, columns.at("good", row) != 0);
  const std::vector<int64_t>* at = columns.chunks == nullptr ? nullptr : columns.chunks->integers("at_ns");
  const auto count = static_cast<size_t>(std::max<int64_t>(0, columns.at("chunks", row)));
  for (size_t i = first_chunk; at != nullptr && i < first_chunk + count && i < at->size(); ++i) {
    fmt::format_to(end, "{}{}", i == first_chunk ? "" : ",", columns.start_ns + (*at)[i]);
  }
  first_chunk += count;
  fmt::format_to(end, "]}}\n");
}

constexpr std::string_view kCsvHead =
    "request_id,trial,class,outcome,scheduled_s,send_lag_ms,ttft_ms,tpot_ms,e2e_ms,prompt_tokens,output_tokens,chunks,"
    "in_window,good\n";

void write_csv_row(const Trial& trial, const RequestColumns& columns, size_t row, size_t&,
                   fmt::memory_buffer& out) {
  const auto end = std::back_inserter(out);
  const int64_t scheduled = columns.at("scheduled_ns", row), sent = columns.at("sent_ns", row),
                first = columns.at("first_ns", row), last = columns.at("last_ns", row);
  const int64_t tokens = columns.at("output_tokens", row);
  fmt::format_to(end, "assay-{},{},{},{},{:.6f},", columns.at("id", row), csv_text(trial.name),
                 csv_text(columns.class_name(row)), columns.outcome(row),
                 static_cast<double>(scheduled) * 1e-9);
  // Empty where it never happened.
  const auto ms = [&](bool is_known, double nanoseconds) {
    if (is_known) fmt::format_to(end, "{:.6f}", nanoseconds * 1e-6);
    out.push_back(',');
  };
  ms(sent != 0, static_cast<double>(sent - scheduled));
  ms(first != 0, static_cast<double>(first - scheduled));
  ms(tokens >= 2 && last > first,
     tokens >= 2 ? static_cast<double>(last - first) / static_cast<double>(tokens - 1) : 0);
  ms(last != 0, static_cast<double>(last - scheduled));
  fmt::format_to(end, "{},{},{},{},{}\n", columns.at("prompt_tokens", row), tokens, columns.at("chunks", row),
                 columns.at("in_window", row), columns.at("good", row));
}

}  // namespace

Result<void> write_samples_jsonl(const Dossier& dossier, const std::string& path) {
  return write_rows(dossier, path, "", write_json_row);
}

Result<void> write_samples_csv(const Dossier& dossier, const std::string& path) {
  return write_rows(dossier, path, kCsvHead, write_csv_row);
}

}  // namespace assay
