// Reader: typed reads out of a TOML document that collect every error with its place instead of stopping at
// the first; and Row, one key of the table of keys together with what it does.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "scenario/scenario.h"

namespace assay {

class Reader {
 public:
  explicit Reader(const std::string& file, ErrorTelling tell = {});

  void error(TomlPosition at, std::string what);
  size_t error_count() const { return errors_.size(); }
  // All errors in file order as one, at most 20 of them.
  Error combined_error() const;

  // Each sets `out` if the member holds what it should, and notes an error otherwise. Limits are inclusive.
  void read_string(const TomlMember& member, std::string& out);
  void read_choice(const TomlMember& member, std::span<const std::string> choices, std::string& out);
  void read_strings(const TomlMember& member, std::vector<std::string>& out);
  void read_boolean(const TomlMember& member, bool& out);
  void read_number(const TomlMember& member, double low, double high, double& out);
  void read_number(const TomlMember& member, double low, double high, std::optional<double>& out);
  // A number above 0.
  void read_positive(const TomlMember& member, double high, double& out);
  template <class Integer>
  void read_integer(const TomlMember& member, int64_t low, int64_t high, Integer& out) {
    int64_t value = 0;
    if (read_int64(member, low, high, value)) out = static_cast<Integer>(value);
  }

  // The item as a table, or null and an error.
  const TomlValue* expect_table(const TomlMember& member);
  // The items of an array of tables, as members that carry its name; "[[name]]" is also forgiven as "[name]".
  std::vector<const TomlValue*> expect_tables(const TomlMember& member);

  const std::string& file() const { return file_; }
  // A path of the scenario as a path of this process.
  std::string resolved(const std::string& path) const;
  // An unknown key that is a slip for a known one: what would follow from the lack of that is no error.
  void note_slip(const TomlMember& member, std::string meant) {
    slips_.emplace_back(member.key_at, std::move(meant));
  }
  // The table has the key, or one that was meant to be it.
  bool has_or_means(const TomlValue& table, std::string_view key) const;
  // Files that were read for the scenario.
  void note_file(ScenarioFile file) { files_.push_back(std::move(file)); }
  const std::vector<ScenarioFile>& files() const { return files_; }
  std::string where(TomlPosition at) const { return told(at, "").where; }

 private:
  bool read_int64(const TomlMember& member, int64_t low, int64_t high, int64_t& out);
  void wrong_kind(const TomlMember& member, std::string_view wanted);

  Error told(TomlPosition at, std::string what) const;

  std::string file_;
  ErrorTelling tell_;
  std::vector<ScenarioFile> files_;
  std::vector<std::pair<TomlPosition, std::string>> slips_;
  std::vector<std::pair<TomlPosition, std::string>> errors_;
};

// One key of a table: what the reference says of it, and how it is read into a T.
template <class T>
struct Row {
  ScenarioKey key;
  void (*read)(Reader& reader, const TomlMember& member, T& out);
};

// The error for a key that the table does not have.
void unknown_key(Reader& reader, const TomlMember& member, std::string_view table,
                 std::span<const std::string> known);

// Reads each member of `table` by its row.
template <class T>
void read_table(Reader& reader, const TomlValue& table, std::span<const Row<T>> rows, T& out) {
  for (const TomlMember& member : table.members) {
    const Row<T>* found = nullptr;
    for (const Row<T>& row : rows) {
      if (member.key == row.key.key) found = &row;
    }
    if (found != nullptr) {
      found->read(reader, member, out);
      continue;
    }
    std::vector<std::string> known;
    for (const Row<T>& row : rows) known.emplace_back(row.key.key);
    unknown_key(reader, member, rows.empty() ? "" : rows[0].key.table, known);
  }
}

// Notes an error if the table lacks one of the keys, and no slip stands for it.
void require_keys(Reader& reader, const TomlValue& table, std::string_view name,
                  std::initializer_list<const char*> keys);

}  // namespace assay
