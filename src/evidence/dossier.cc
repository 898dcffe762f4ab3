// Making, opening and writing a dossier. Each public write is one transaction, synced to the disk before it returns.
#include "evidence/dossier.h"

#include <fmt/format.h>

#include <map>

#include "evidence/dossier_state.h"
#include "evidence/schema.h"
#include "os/os.h"

namespace assay {
namespace {

using sqlite::Blob;
using sqlite::Connection;
using sqlite::Statement;
using sqlite::Transaction;

// 0 stands for "none" in the structs and is NULL in the tables.
struct Reference {
  int64_t id;
};

std::optional<std::string> json_text(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.dump());
}

Result<void> insert_run(const Connection& connection, const RunInfo& run) {
  ASSIGN_OR_RETURN(Statement insert, connection.prepare("INSERT INTO run VALUES (?,?,?,?,?,?,?,?,?,?)"));
  return insert.run(run.id, run.assay_version, run.created_at, run.finished_at, run.scenario_name, run.scenario_path,
                    run.scenario_text, fmt::format("{}", run.seed), json_text(run.plan), json_text(run.host));
}

}  // namespace
}  // namespace assay
