// Writing requests one by one; see samples_file.h.
#include "load/samples_file.h"

#include "base/base.h"
#include "load/sample_rows.h"
#include "os/os.h"

namespace assay {
namespace {

constexpr size_t kSamplesFlushBytes = 1 << 20;

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

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

struct RowsTrial {
  std::string_view name;
  bool is_void;
};

// Writes what `row` appends for each request of each load trial, in the order of the plan.
using RowWriter = void (*)(const RowsTrial& trial, const SampleRows& columns, size_t row, size_t& first_chunk,
                           std::string& out);
Result<void> write_rows(const Dossier& dossier, const std::string& path, std::string_view head,
                        RowWriter write) {
  ASSIGN_OR_RETURN(const DossierContent content, dossier.read());
  ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  std::string out;
  out.append(head);
  for (const Trial& trial : content.trials) {
    if (trial.exam != "load") continue;
    ASSIGN_OR_RETURN(const std::vector<Sample> samples, dossier.read_samples(trial.id));
    const std::optional<SampleRows> rows = sample_rows(trial, samples);
    if (!rows) continue;
    const RowsTrial rows_trial{.name = trial.name, .is_void = is_void(content, trial)};
    size_t first_chunk = 0;
    for (size_t row = 0; row < rows->count(); ++row) {
      write(rows_trial, *rows, row, first_chunk, out);
      if (out.size() < kSamplesFlushBytes) continue;
      RETURN_IF_ERROR(file.append(bytes_of(out)));
      out.clear();
    }
  }
  RETURN_IF_ERROR(file.append(bytes_of(out)));
  return file.commit();
}

void write_json_row(const RowsTrial& trial, const SampleRows& columns, size_t row, size_t& first_chunk,
                    std::string& out) {
  append_format(out, R"({{"request_id":"assay-{}","trial":{},"class":{},"outcome":"{}")",
                columns.at("id", row), json_text(trial.name), json_text(columns.class_name(row)),
                columns.outcome(row));
  if (const std::optional<int64_t> server = columns.server(row))
    append_format(out, R"(,"server":{})", *server);
  for (const char* name : {"scheduled_ns", "dispatched_ns", "sent_ns", "first_ns", "last_ns", "end_ns"}) {
    const int64_t at_ns = columns.instant_ns(name, row);
    at_ns == 0 ? append_format(out, R"(,"{}":null)", name) : append_format(out, R"(,"{}":{})", name, at_ns);
  }
  for (const char* name : {"server_prompt_ns", "server_tpot_ns"}) {
    if (const int64_t took_ns = columns.at(name, row); took_ns != 0)
      append_format(out, R"(,"{}":{})", name, took_ns);
  }
  append_format(out,
                R"(,"prompt_tokens":{},"output_tokens":{},"in_window":{},"good":{},"void":{},"chunk_ns":[)",
                columns.at("prompt_tokens", row), columns.at("output_tokens", row),
                columns.at("in_window", row) != 0, columns.at("good", row) != 0, trial.is_void);
  const char* separator = "";
  for (const int64_t at_ns : columns.chunks_of(row, first_chunk)) {
    append_format(out, "{}{}", separator, columns.start_ns() + at_ns);
    separator = ",";
  }
  append_format(out, "]}}\n");
}

constexpr std::string_view kCsvHead =
    "request_id,trial,class,outcome,scheduled_s,send_lag_ms,ttft_ms,tpot_ms,e2e_ms,prompt_tokens,output_tokens,chunks,"
    "in_window,good,server,void\n";

void write_csv_row(const RowsTrial& trial, const SampleRows& columns, size_t row, size_t&, std::string& out) {
  const int64_t scheduled = columns.at("scheduled_ns", row), sent = columns.at("sent_ns", row),
                first = columns.at("first_ns", row), last = columns.at("last_ns", row);
  const int64_t tokens = columns.at("output_tokens", row);
  append_format(out, "assay-{},{},{},{},{:.6f},", columns.at("id", row), csv_text(trial.name),
                csv_text(columns.class_name(row)), columns.outcome(row),
                static_cast<double>(scheduled) * 1e-9);
  // Empty where it never happened.
  const auto ms = [&](bool is_known, double nanoseconds) {
    if (is_known) append_format(out, "{:.6f}", nanoseconds * 1e-6);
    out.push_back(',');
  };
  ms(sent != 0, static_cast<double>(sent - scheduled));
  ms(first != 0 && tokens > 0,
     static_cast<double>(first - scheduled));  // an answer that comes at once has none
  ms(tokens >= 2 && last > first,
     tokens >= 2 ? static_cast<double>(last - first) / static_cast<double>(tokens - 1) : 0);
  ms(last != 0, static_cast<double>(last - scheduled));
  append_format(out, "{},{},{},{},{},", columns.at("prompt_tokens", row), tokens, columns.at("chunks", row),
                columns.at("in_window", row), columns.at("good", row));
  if (const std::optional<int64_t> server = columns.server(row)) append_format(out, "{}", *server);
  append_format(out, ",{}\n", trial.is_void ? 1 : 0);
}

}  // namespace

Result<void> write_samples_jsonl(const Dossier& dossier, const std::string& path) {
  return write_rows(dossier, path, "", write_json_row);
}

Result<void> write_samples_csv(const Dossier& dossier, const std::string& path) {
  return write_rows(dossier, path, kCsvHead, write_csv_row);
}

}  // namespace assay
