// The table of faults and the parser of their schedules; see faults.h.
#include "emulate/faults.h"

#include <fmt/format.h>

namespace assay {
namespace {

constexpr FaultKindRow kFaults[] = {
    {FaultKind::kRefuse, "refuse", "stops listening for some seconds after this connection", true, 1},
    {FaultKind::kTlsError, "tls-error", "ends the TLS handshake with an alert", true, 0, false, true},
    {FaultKind::kBadCertificate, "bad-certificate",
     "shows a certificate that is expired, self-signed and for another host", true, 0, false, true},
    {FaultKind::kReset, "reset", "resets the connection within the answer", false, 0, true},
    {FaultKind::kHalfStream, "half-stream", "closes the connection within the answer, without [DONE]", false,
     0, true},
    {FaultKind::kStall, "stall", "this answer pauses for some seconds", false, 5, true},
    {FaultKind::kFreeze, "freeze",
     "no token and no document is sent for some seconds from this request's arrival", false, 1},
    {FaultKind::kMalformed, "malformed-sse", "an event that is broken JSON comes between the others", false,
     0, true},
    {FaultKind::kWrongUsage, "wrong-usage", "the usage counts seven tokens too many"},
    {FaultKind::kSlowHeaders, "slow-headers", "the head of the response trickles in over some seconds", false,
     2},
    {FaultKind::kTooManyRequests, "429", "too many requests, with Retry-After", false, 1},
    {FaultKind::kServerError, "500", "internal server error"},
    {FaultKind::kEmptyOutput, "empty-output", "an answer without a token"},
    {FaultKind::kHugeLine, "huge-line", "one event is a line of some bytes (2 MiB)", false, 0, true},
    {FaultKind::kCrLf, "crlf", "the lines of the stream end with CR LF"},
    {FaultKind::kSplitUtf8, "split-utf8",
     "tokens of several bytes, cut within a character by segments and chunks"},
};

Error bad_fault(std::string what) {
  return {
      std::move(what), "--fault",
      "A fault reads KIND:every=N or KIND:at=N, with :seconds=S, :tokens=N or :bytes=N where the kind takes them; "
      "`assay list faults` shows the kinds."};
}

Result<void> take_key(std::string_view key, std::string_view text, Fault& fault) {
  const std::optional<double> value = parse_number(text);
  constexpr double kMost = 1e9;
  if (!value || *value < 0 || *value > kMost)
    return std::unexpected(bad_fault(fmt::format("'{}' is no number", printable(text))));
  const auto whole = static_cast<uint64_t>(*value);
  if (key == "every" && whole > 0) {
    fault.every = whole;
  } else if (key == "at" && whole > 0) {
    fault.at = whole;
    fault.every = 0;
  } else if (key == "seconds" && fault.row->seconds > 0) {
    fault.seconds = *value;
  } else if (key == "tokens" && fault.row->has_tokens && whole > 0) {
    fault.tokens = static_cast<uint32_t>(whole);
  } else if (key == "bytes" && fault.kind() == FaultKind::kHugeLine && whole <= uint64_t{256} << 20) {
    fault.bytes = whole;
  } else {
    return std::unexpected(bad_fault(
        fmt::format("'{}={}' means nothing for {}", printable(key), printable(text), fault.row->name)));
  }
  return {};
}

Result<Fault> parse_fault(std::string_view text) {
  const std::vector<std::string_view> parts = split(trim(text), ':');
  const std::string name(parts[0]);
  std::vector<std::string> names;
  Fault fault;
  for (const FaultKindRow& row : kFaults) {
    names.emplace_back(row.name);
    if (name == row.name) fault.row = &row;
  }
  if (fault.row == nullptr)
    return std::unexpected(
        bad_fault(fmt::format("unknown fault '{}'.{}", printable(name), suggestion(name, names))));
  fault.seconds = fault.row->seconds;
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos)
      return std::unexpected(bad_fault(fmt::format("'{}' is no KEY=NUMBER", printable(parts[i]))));
    RETURN_IF_ERROR(take_key(parts[i].substr(0, equals), parts[i].substr(equals + 1), fault));
  }
  return fault;
}

}  // namespace

std::span<const FaultKindRow> fault_kinds() {
  return kFaults;
}

Result<std::vector<Fault>> parse_faults(std::string_view text) {
  std::vector<Fault> faults;
  if (trim(text).empty()) return faults;
  for (const std::string_view part : split(text, ',')) {
    ASSIGN_OR_RETURN(const Fault fault, parse_fault(part));
    faults.push_back(fault);
  }
  return faults;
}

const Fault* fault_for(std::span<const Fault> faults, bool of_connections, uint64_t number) {
  for (const Fault& fault : faults) {
    if (fault.row->of_connections != of_connections) continue;
    if (fault.every > 0 ? number % fault.every == 0 : number == fault.at) return &fault;
  }
  return nullptr;
}

}  // namespace assay
