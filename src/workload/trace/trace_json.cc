// See trace_json.h.
#include "workload/trace/trace_json.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

bool read_hash_ids(JsonCursor& cursor, uint64_t scope, std::vector<uint64_t>& ids) {
  ids.clear();
  if (!cursor.begin_array()) return false;
  while (cursor.next_item()) {
    uint64_t id = 0;
    if (!cursor.read_id(id)) return false;
    if (ids.size() == kMaxHashIds) return cursor.fail("more than 1,000,000 hash ids");
    ids.push_back(scope == 0 ? id : Random(scope, id, 0).next());
  }
  return cursor.is_good();
}

std::unexpected<Error> trace_error(const JsonCursor& cursor, std::string_view where, std::string problem,
                                   std::string remedy) {
  if (!cursor.is_good()) problem = std::string(cursor.problem());
  return fail(std::move(problem), fmt::format("{}:{}", where, cursor.line()), std::move(remedy));
}

std::vector<std::string_view> first_members(std::string_view text) {
  constexpr size_t kMost = 64;
  JsonCursor cursor(text);
  std::vector<std::string_view> members;
  if (cursor.peek() == '[' && !(cursor.begin_array() && cursor.next_item())) return members;
  if (cursor.peek() != '{' || !cursor.begin_object()) return members;
  std::string_view key;
  while (members.size() < kMost && cursor.next_member(key)) {
    members.push_back(key);
    if (!cursor.skip()) break;
  }
  return members;
}

bool has_member(const std::vector<std::string_view>& members, std::string_view name) {
  return std::ranges::find(members, name) != members.end();
}

}  // namespace assay
