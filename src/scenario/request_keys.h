// The keys of [[traffic]] that say how requests are written, which share a prefix, and which are broken off.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "scenario/reader.h"

namespace assay {

std::span<const Row<TrafficClass>> request_rows();
// What the keys of a class say of its kind, and, where all of them `is_read` without an error, of each other.
void check_request_keys(Reader& reader, const TomlValue& table, const TrafficClass& traffic, bool is_read);
// What the kinds of the classes ask of the targets.
void check_kinds_of_targets(Reader& reader, const Scenario& scenario);
// The keys of the tables within: traffic.sampling, traffic.tensors, traffic.expect.
void append_request_keys(std::vector<ScenarioKey>& keys);

// The rows' functions that take more than a line (request_tables.cc).
void read_extra_body(Reader& reader, const TomlMember& member, TrafficClass& traffic);
void read_headers(Reader& reader, const TomlMember& member, TrafficClass& traffic);
void read_sampling(Reader& reader, const TomlMember& member, TrafficClass& traffic);
void read_tensors(Reader& reader, const TomlMember& member, TrafficClass& traffic);
void read_body(Reader& reader, const TomlMember& member, TrafficClass& traffic);
void read_expect(Reader& reader, const TomlMember& member, TrafficClass& traffic);
// The error of a key that holds a secret, by the name of what holds it.
std::string secret_told(std::string_view name);
void append_request_table_keys(std::vector<ScenarioKey>& keys);

}  // namespace assay
