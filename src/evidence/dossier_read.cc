// Reading a dossier back. A row that no version of assay can have written is an error that names the table
// and the row.
#include <fmt/format.h>

#include <charconv>

#include "evidence/dossier_state.h"

namespace assay {
namespace {

using sqlite::Connection;
using sqlite::Statement;
using sqlite::Transaction;

// One row under the cursor, whose columns are taken in order. The first value that makes no sense is kept as
// an error.
class Row {
 public:
  Row(const Statement& statement, const char* table, const std::string& path)
      : statement_(statement), table_(table), path_(path) {}

  int64_t integer() { return statement_.integer(column_++); }
  double real() { return statement_.real(column_++); }
  std::optional<double> optional_real() { return statement_.optional_real(column_++); }
  std::string text() { return statement_.bytes(column_++); }

  Json json() {
    if (statement_.is_null(column_)) return ++column_, Json();
    Result<Json> parsed = Json::parse(text(), where());
    if (parsed) return std::move(*parsed);
    refuse(parsed.error().what);
    return {};
  }

  template <class E>
  E named(std::optional<E> (*lookup)(std::string_view)) {
    const std::string name = text();
    const std::optional<E> value = lookup(name);
    if (!value) refuse(fmt::format("unknown word '{}'", printable(name)));
    return value.value_or(E{});
  }

  uint64_t decimal() {
    const std::string digits = text();
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) refuse("a number is not one");
    return value;
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  std::string where() const {
    return fmt::format("{}: table {}, row {}", path_, table_, statement_.integer(0));
  }
  void refuse(const std::string& what) {
    if (!error_) error_ = Error{"the dossier is damaged: " + what, where(), "Use an untouched copy."};
  }

  const Statement& statement_;
  const char* table_;
  const std::string& path_;
  int column_ = 0;
  std::optional<Error> error_;
};

// Every row of a table in the order of ids, as the structs that `parse` makes of them.
template <class T>
Result<std::vector<T>> read_table(const Connection& connection, const char* table, T (*parse)(Row&)) {
  ASSIGN_OR_RETURN(Statement select, connection.prepare(fmt::format("SELECT * FROM {} ORDER BY id", table)));
  std::vector<T> all;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, select.step());
    if (!more) return all;
    Row row(select, table, connection.path());
    all.push_back(parse(row));
    if (row.error()) return std::unexpected(*row.error());
  }
}

// The members are initialised in the order of the columns, which braces guarantee.
RunInfo parse_run(Row& row) {
  return {.id = row.text(),
          .assay_version = row.text(),
          .created_at = row.text(),
          .finished_at = row.text(),
          .scenario_name = row.text(),
          .scenario_path = row.text(),
          .scenario_text = row.text(),
          .seed = row.decimal(),
          .plan = row.json(),
          .host = row.json()};
}

Subject parse_subject(Row& row) {
  return {.id = row.integer(), .name = row.text(), .kind = row.text(), .details = row.json()};
}

Trial parse_trial(Row& row) {
  return {.id = row.integer(),
          .exam = row.text(),
          .target = row.text(),
          .subject_id = row.integer(),
          .name = row.text(),
          .parameters = row.json(),
          .state = row.named(&trial_state_named),
          .started_at = row.text(),
          .duration_s = row.real(),
          .end_text = row.text()};
}

Record parse_record(Row& row) {
  return {.id = row.integer(),
          .trial_id = row.integer(),
          .subject_id = row.integer(),
          .evidence_class = row.named(&evidence_class_named),
          .metric = row.text(),
          .value = row.optional_real(),
          .unit = row.text(),
          .ci_low = row.optional_real(),
          .ci_high = row.optional_real(),
          .confidence = row.real(),
          .n = row.integer(),
          .method = row.text(),
          .conditions = row.json(),
          .validity = row.named(&validity_named),
          .source = row.text()};
}

Finding parse_finding(Row& row) {
  return {.id = row.integer(),
          .trial_id = row.integer(),
          .subject_id = row.integer(),
          .severity = row.named(&severity_named),
          .code = row.text(),
          .text = row.text(),
          .evidence = row.json()};
}

Requirement parse_requirement(Row& row) {
  return {.id = row.integer(),
          .text = row.text(),
          .metric = row.text(),
          .comparison = row.text(),
          .value = row.real(),
          .unit = row.text(),
          .scope = row.json(),
          .question = static_cast<int>(row.integer()),
          .source = row.text()};
}

Verdict parse_verdict(Row& row) {
  Verdict verdict{.id = row.integer(),
                  .question = static_cast<int>(row.integer()),
                  .requirement_id = row.integer(),
                  .answer = row.named(&answer_named),
                  .reason = row.text(),
                  .exam = row.text(),
                  .command = row.text()};
  const Json ids = row.json();
  for (const Json& id : ids.items()) verdict.record_ids.push_back(id.as_integer());
  return verdict;
}

Artifact parse_artifact(Row& row) {
  return {.id = row.integer(),
          .trial_id = row.integer(),
          .name = row.text(),
          .media_type = row.text(),
          .content = row.text()};
}

}  // namespace

Result<DossierContent> Dossier::read() const {
  const Connection& connection = state_->connection;
  ASSIGN_OR_RETURN(Transaction snapshot, Transaction::read(connection));  // ends with this function
  DossierContent content;
  content.path = path();
  ASSIGN_OR_RETURN(std::vector<RunInfo> runs, read_table(connection, "run", &parse_run));
  if (runs.size() != 1) {
    return fail(fmt::format("the dossier is damaged: it describes {} runs instead of one", runs.size()),
                path(), "Use an untouched copy.");
  }
  content.run = std::move(runs.front());
  ASSIGN_OR_RETURN(content.subjects, read_table(connection, "subject", &parse_subject));
  ASSIGN_OR_RETURN(content.trials, read_table(connection, "trial", &parse_trial));
  ASSIGN_OR_RETURN(content.records, read_table(connection, "record", &parse_record));
  ASSIGN_OR_RETURN(content.findings, read_table(connection, "finding", &parse_finding));
  ASSIGN_OR_RETURN(content.requirements, read_table(connection, "requirement", &parse_requirement));
  ASSIGN_OR_RETURN(content.verdicts, read_table(connection, "verdict", &parse_verdict));
  ASSIGN_OR_RETURN(content.artifacts, read_table(connection, "artifact", &parse_artifact));
  return content;
}

Result<std::vector<Sample>> Dossier::read_samples(int64_t trial_id, std::string_view without) const {
  const Connection& connection = state_->connection;
  ASSIGN_OR_RETURN(
      Statement select,
      connection.prepare("SELECT id, trial_id, name, columns FROM sample WHERE trial_id = ? AND name <> ? "
                         "ORDER BY id"));
  RETURN_IF_ERROR(select.bind(trial_id, without));
  std::vector<Sample> samples;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, select.step());
    if (!more) return samples;
    Result<Columns> columns = decode_columns(select.bytes(3));
    if (!columns) {
      columns.error().where = fmt::format("{}: table sample, row {}", path(), select.integer(0));
      return std::unexpected(std::move(columns).error());
    }
    samples.push_back({select.integer(0), select.integer(1), select.bytes(2), std::move(*columns)});
  }
}

}  // namespace assay
