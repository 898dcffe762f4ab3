// The keys `url` and `urls` of targets and of classes of traffic: which servers of an endpoint there are, and
// who goes to which.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenario/reader.h"

namespace assay {

// The URL as Url::text writes it, so that equal ones are the same text; or nothing and an error.
std::optional<std::string> read_server_url(Reader& reader, const TomlMember& member);
// `url`, a string, or `urls`, an array of them: none twice, kMostServers at most.
void read_urls(Reader& reader, const TomlMember& member, std::vector<std::string>& urls);
// A table has one of the two keys at most.
void check_urls(Reader& reader, const TomlValue& table);
// What the servers of the classes ask of the targets.
void check_servers_of_targets(Reader& reader, const Scenario& scenario);

}  // namespace assay
