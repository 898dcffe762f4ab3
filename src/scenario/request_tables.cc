// The tables within [[traffic]] that make up a request: headers, parameters of the body, tensors, templates
// and expectations.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "http/http.h"
#include "scenario/draft.h"
#include "scenario/request_keys.h"
#include "scenario/secrets.h"

namespace assay {
namespace {

constexpr size_t kMaxHeaders = 64;
constexpr size_t kMaxConditions = 100;
constexpr size_t kMaxExtraBytes = 64 * 1024;

// Members that are the class's own.
struct OwnMember {
  std::string_view name, instead;
};
constexpr OwnMember kOwnMembers[] = {
    {"model", "model"},
    {"messages", "prompt_tokens"},
    {"prompt", "prompt_tokens"},
    {"input", "prompt_tokens"},
    {"query", "prompt_tokens"},
    {"documents", "documents"},
    {"inputs", "tensors"},
    {"id", "nothing: it is X-Request-Id"},
    {"stream", "kind"},
    {"max_tokens", "output_tokens"},
    {"max_completion_tokens", "output_tokens"},
    {"max_output_tokens", "output_tokens"},
};

Json json_of(const TomlValue& value) {
  switch (value.kind) {
    case TomlKind::kString:
    case TomlKind::kDate:
      return value.text;
    case TomlKind::kInteger:
      return value.integer;
    case TomlKind::kDouble:
      return value.number;
    case TomlKind::kBoolean:
      return value.boolean;
    case TomlKind::kArray: {
      Json array = Json::array();
      for (const TomlValue& item : value.items) array.push(json_of(item));
      return array;
    }
    case TomlKind::kTable: {
      Json object = Json::object();
      for (const TomlMember& member : value.members) object.append_member(member.key, json_of(member.value));
      return object;
    }
  }
  return {};
}

void add_parameter(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  if (traffic.request.parameters.find(member.key) != nullptr) {
    return reader.error(member.key_at,
                        fmt::format("{} stands in sampling and in extra_body", printable(member.key, 60)));
  }
  traffic.request.parameters.set(member.key, json_of(member.value));
}

// ---- sampling ----

template <int kLow, int kHigh>
void read_parameter(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  double value = 0;
  const size_t errors_before = reader.error_count();
  reader.read_number(member, kLow, kHigh, value);
  if (reader.error_count() == errors_before) add_parameter(reader, member, traffic);
}
template <int64_t kLow, int64_t kHigh>
void read_count(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  int64_t value = 0;
  const size_t errors_before = reader.error_count();
  reader.read_integer(member, kLow, kHigh, value);
  if (reader.error_count() == errors_before) add_parameter(reader, member, traffic);
}

constexpr Row<TrafficClass> kSamplingRows[] = {
    {{"traffic.sampling", "temperature", "number", "0", "", "0 is greedy decoding."}, read_parameter<0, 100>},
    {{"traffic.sampling", "top_p", "number", "", "", "Nucleus sampling: this much of the probability."},
     read_parameter<0, 1>},
    {{"traffic.sampling", "top_k", "integer", "", "", "The k most probable tokens; −1: all."},
     read_count<-1, 10'000'000>},
    {{"traffic.sampling", "min_p", "number", "", "", "Tokens at least this probable, relative to the first."},
     read_parameter<0, 1>},
    {{"traffic.sampling", "seed", "integer", "", "", "The server's seed, the same for all requests."},
     read_count<0, INT64_MAX>},
    {{"traffic.sampling", "presence_penalty", "number", "", "", "OpenAI's, −2 to 2."}, read_parameter<-2, 2>},
    {{"traffic.sampling", "frequency_penalty", "number", "", "", "OpenAI's, −2 to 2."},
     read_parameter<-2, 2>},
    {{"traffic.sampling", "repetition_penalty", "number", "", "", "1 is none."}, read_parameter<0, 10>},
};

// ---- headers ----

bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_written_by_itself(std::string_view name) {
  const std::string low = lower(name);
  constexpr std::string_view kOwn[] = {"host",       "content-length", "transfer-encoding",
                                       "connection", "upgrade",        "expect",
                                       "te",         "trailer",        "x-request-id"};
  return std::ranges::find(kOwn, low) != std::end(kOwn);
}

// ---- tensors ----

void read_shape(Reader& reader, const TomlMember& member, TensorSpec& tensor) {
  if (member.value.kind != TomlKind::kArray)
    return reader.error(member.value.at, "shape must be an array of whole numbers, −1 for what varies");
  for (const TomlValue& item : member.value.items) {
    int64_t extent = 0;
    reader.read_integer({member.key, member.key_at, item}, -1, kMaxTensorElements, extent);
    tensor.shape.push_back(extent);
  }
}

constexpr Row<TensorSpec> kTensorRows[] = {
    {{"traffic.tensors", "name", "string", "", "", "As the model names it. Required."},
     [](Reader& r, const TomlMember& m, TensorSpec& t) { r.read_string(m, t.name); }},
    {{"traffic.tensors", "datatype", "string", "", "",
      "BOOL, UINT8 … INT64, FP16, FP32, FP64 or BYTES. Required."},
     [](Reader& r, const TomlMember& m, TensorSpec& t) { r.read_string(m, t.datatype); }},
    {{"traffic.tensors", "shape", "integers", "", "",
      "Its extents; −1 in the first place becomes inputs, in a later one prompt_tokens. Required."},
     read_shape},
};

// ---- expectations ----

constexpr Row<JsonCondition> kConditionRows[] = {
    {{"traffic.expect.values", "pointer", "string", "", "",
      "A JSON pointer (RFC 6901), as /results/0/score: the place must exist. Required."},
     [](Reader& r, const TomlMember& m, JsonCondition& c) {
       r.read_string(m, c.pointer);
       if (const std::string problem = json_pointer_problem(c.pointer); !problem.empty())
         r.error(m.value.at, "pointer: " + problem);
     }},
    {{"traffic.expect.values", "equals", "any", "", "", "What stands there."},
     [](Reader&, const TomlMember& m, JsonCondition& c) { c.equals = json_of(m.value); }},
    {{"traffic.expect.values", "min", "number", "", "", "The number there is not lower."},
     [](Reader& r, const TomlMember& m, JsonCondition& c) { r.read_number(m, -1e300, 1e300, c.minimum); }},
    {{"traffic.expect.values", "max", "number", "", "", "The number there is not higher."},
     [](Reader& r, const TomlMember& m, JsonCondition& c) { r.read_number(m, -1e300, 1e300, c.maximum); }},
};

void read_conditions(Reader& reader, const TomlMember& member, AnswerExpectation& expect) {
  const std::vector<const TomlValue*> tables = reader.expect_tables(member);
  if (tables.size() > kMaxConditions)
    return reader.error(member.value.at,
                        fmt::format("{} has more than {} items", member.key, kMaxConditions));
  for (const TomlValue* table : tables) {
    JsonCondition condition;
    read_table<JsonCondition>(reader, *table, kConditionRows, condition);
    require_keys(reader, *table, "traffic.expect.values", {"pointer"});
    if (condition.minimum && condition.maximum && *condition.minimum > *condition.maximum)
      reader.error(table->at, "min is above max");
    expect.conditions.push_back(std::move(condition));
  }
}

constexpr Row<AnswerExpectation> kExpectRows[] = {
    {{"traffic.expect", "status", "integer", "200", "", "The HTTP status."},
     [](Reader& r, const TomlMember& m, AnswerExpectation& e) { r.read_integer(m, 100, 599, e.status); }},
    {{"traffic.expect", "values", "tables", "", "",
      "Places in the JSON of the answer and what they hold: [{ pointer = \"/ok\", equals = true }, { pointer = "
      "\"/score\", min = 0, max = 1 }]."},
     read_conditions},
};

}  // namespace

std::string secret_told(std::string_view name) {
  return fmt::format(
      "{} looks like a secret, which does not belong in a scenario, since that is stored with every result; "
      "name the variable or file that holds the key in the target's api_key_env or api_key_file",
      printable(name, 60));
}

void read_extra_body(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  const TomlValue* table = reader.expect_table(member);
  if (table == nullptr) return;
  for (const TomlMember& each : table->members) {
    const auto own = std::ranges::find(kOwnMembers, each.key, &OwnMember::name);
    if (own != std::end(kOwnMembers)) {
      reader.error(each.key_at,
                   fmt::format("{} is the class's own: use {}", printable(each.key, 60), own->instead));
    } else if (const std::string secret = secret_of_json(Json::object().set(each.key, json_of(each.value)));
               !secret.empty()) {
      reader.error(each.key_at, secret_told(secret));
    } else {
      add_parameter(reader, each, traffic);
    }
  }
  if (traffic.request.parameters.dump().size() > kMaxExtraBytes)
    reader.error(member.value.at, fmt::format("extra_body is larger than {} bytes", kMaxExtraBytes));
}

void read_sampling(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  if (const TomlValue* table = reader.expect_table(member))
    read_table<TrafficClass>(reader, *table, kSamplingRows, traffic);
}

void read_headers(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  const TomlValue* table = reader.expect_table(member);
  if (table == nullptr) return;
  if (table->members.size() > kMaxHeaders)
    return reader.error(member.value.at, fmt::format("headers has more than {} fields", kMaxHeaders));
  for (const TomlMember& header : table->members) {
    std::string value;
    reader.read_string(header, value);
    if (!is_field_name(header.key)) {
      reader.error(header.key_at, fmt::format("'{}' is no name of a header", printable(header.key, 60)));
    } else if (is_secret_header(header.key, value)) {
      reader.error(header.key_at, secret_told(header.key));
    } else if (is_written_by_itself(header.key)) {
      reader.error(header.key_at, fmt::format("{} is written by assay itself", printable(header.key, 60)));
    } else if (is_field_value(value) && !value.empty()) {
      traffic.request.headers.emplace_back(header.key, std::move(value));
    }
  }
}

void read_tensors(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  const std::vector<const TomlValue*> tables = reader.expect_tables(member);
  if (tables.size() > kMaxTensors)
    return reader.error(member.value.at, fmt::format("more than {} tensors", kMaxTensors));
  for (const TomlValue* table : tables) {
    TensorSpec tensor;
    const size_t errors_before = reader.error_count();
    read_table<TensorSpec>(reader, *table, kTensorRows, tensor);
    require_keys(reader, *table, "traffic.tensors", {"name", "datatype", "shape"});
    if (reader.error_count() > errors_before) continue;
    if (const std::string problem = tensor_problem(tensor); !problem.empty())
      reader.error(table->at, fmt::format("the tensor '{}': {}", printable(tensor.name, 40), problem));
    traffic.request.tensors.push_back(std::move(tensor));
  }
}

// Filled once, so that a body that can be no JSON is found before anything is sent.
void read_body(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  if (member.value.kind != TomlKind::kString)
    return reader.error(member.value.at, "body must be a string; write ''' before and behind it");
  Result<RequestTemplate> body = RequestTemplate::parse(member.value.text);
  if (!body) {
    return reader.error(member.value.at, "body: " + sentences(body.error().what, body.error().remedy));
  }
  std::string filled;
  body->append({.prompt = "a \"prompt\"", .request_id = "assay-1", .seed = 1}, RequestTemplate::Escape::kJson,
               filled);
  const Result<Json> json = Json::parse(filled, "body");
  if (!json) {
    return reader.error(member.value.at, fmt::format("body is no JSON when its placeholders are filled: {}",
                                                     json.error().what));
  }
  if (const std::string secret = secret_of_json(*json); !secret.empty())
    return reader.error(member.value.at, secret_told(secret));
  traffic.request.body = std::move(*body);
}

void read_expect(Reader& reader, const TomlMember& member, TrafficClass& traffic) {
  if (const TomlValue* table = reader.expect_table(member))
    read_table<AnswerExpectation>(reader, *table, kExpectRows, traffic.request.expect);
}

void append_request_table_keys(std::vector<ScenarioKey>& keys) {
  append_keys<TrafficClass>(kSamplingRows, keys);
  append_keys<TensorSpec>(kTensorRows, keys);
  append_keys<AnswerExpectation>(kExpectRows, keys);
  append_keys<JsonCondition>(kConditionRows, keys);
}

}  // namespace assay
