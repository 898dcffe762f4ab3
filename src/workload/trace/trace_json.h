// What traces in JSON have in common: values one behind the other (a line each, as a rule), hash ids, errors
// with their line.
#pragma once

#include <string>
#include <vector>

#include "workload/trace/json_cursor.h"
#include "workload/trace/trace_builder.h"

namespace assay {

// A prompt of the most tokens in blocks of one.
inline constexpr size_t kMaxHashIds = 1'000'000;

// The ids of one request into `ids`, mixed with `scope`, which tells equal ids of different scopes apart.
bool read_hash_ids(JsonCursor& cursor, uint64_t scope, std::vector<uint64_t>& ids);

// The problem of the cursor, or one of its row, where it has come to.
std::unexpected<Error> trace_error(const JsonCursor& cursor, std::string_view where, std::string problem,
                                   std::string remedy);

// The names of the members of the first object of a text (of the first item, if it is an array), at most 64;
// none if there is no such object.
std::vector<std::string_view> first_members(std::string_view text);
bool has_member(const std::vector<std::string_view>& members, std::string_view name);

}  // namespace assay
