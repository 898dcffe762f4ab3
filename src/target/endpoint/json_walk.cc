// The walk over simdjson's on-demand interface; see json_walk.h.
#include "target/endpoint/json_walk.h"

#include <simdjson.h>

#include <cmath>

namespace assay {

namespace ondemand = simdjson::ondemand;

static_assert(JsonWalk::kPadding >= simdjson::SIMDJSON_PADDING);

struct JsonWalk::State {
  ondemand::parser parser;
};

// Errors of the parser are thrown through the visits to walk(), the only place that catches them.
struct WalkedJson::Value {
  ondemand::value value;
};

namespace {

constexpr int kDeepest = 16;

JsonType type_of(ondemand::value& value) {
  switch (value.type()) {
    case ondemand::json_type::boolean:
      return JsonType::kBoolean;
    case ondemand::json_type::number:
      return JsonType::kNumber;
    case ondemand::json_type::string:
      return JsonType::kString;
    case ondemand::json_type::array:
      return JsonType::kArray;
    case ondemand::json_type::object:
      return JsonType::kObject;
    default:
      return JsonType::kNull;
  }
}

// False for what is not of `type`. Every scalar is read, so that a broken one is found.
bool is_scalar_of(ondemand::value value, JsonType type) {
  double number = 0;
  bool flag = false;
  std::string_view text;
  switch (type) {
    case JsonType::kNumber:
      return value.get(number) == simdjson::SUCCESS && std::isfinite(number);
    case JsonType::kBoolean:
      return value.get(flag) == simdjson::SUCCESS;
    case JsonType::kString:
      return value.get(text) == simdjson::SUCCESS;
    default:
      return false;
  }
}

bool count(ondemand::array array, int depth, WalkedJson::Scalars& found) {
  bool is_right = depth < kDeepest;
  for (ondemand::value item : array) {
    if (!is_right) continue;
    const JsonType type = type_of(item);
    if (type == JsonType::kArray) {
      is_right = count(item.get_array(), depth + 1, found);
      continue;
    }
    if (found.count++ == 0) found.type = type;
    is_right = type == found.type && is_scalar_of(item, type);
  }
  return is_right;
}

}  // namespace

JsonType WalkedJson::type() {
  return type_of(value_.value);
}

std::optional<double> WalkedJson::number() {
  double number = 0;
  if (type() != JsonType::kNumber || value_.value.get(number) != simdjson::SUCCESS || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::optional<int64_t> WalkedJson::integer() {
  int64_t integer = 0;
  if (type() != JsonType::kNumber || value_.value.get(integer) != simdjson::SUCCESS) return std::nullopt;
  return integer;
}

std::optional<std::string_view> WalkedJson::text() {
  std::string_view text;
  if (type() != JsonType::kString || value_.value.get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

void WalkedJson::each_member(JsonVisit visit) {
  if (type() != JsonType::kObject) return;
  for (ondemand::field field : value_.value.get_object()) {
    const std::string_view key = field.unescaped_key();
    Value value{field.value()};
    WalkedJson cursor(value);
    visit(key, cursor);
  }
}

void WalkedJson::each_item(JsonVisit visit) {
  if (type() != JsonType::kArray) return;
  for (ondemand::value item : value_.value.get_array()) {
    Value value{item};
    WalkedJson cursor(value);
    visit({}, cursor);
  }
}

std::optional<WalkedJson::Scalars> WalkedJson::scalars() {
  if (type() != JsonType::kArray) return std::nullopt;
  Scalars found;
  if (!count(value_.value.get_array(), 0, found)) return std::nullopt;
  return found;
}

JsonWalk::JsonWalk() : state_(std::make_unique<State>()) {}
JsonWalk::~JsonWalk() = default;

bool JsonWalk::walk(std::string_view json, JsonVisit visit) {
  try {
    ondemand::document document = state_->parser.iterate(json.data(), json.size(), json.size() + kPadding);
    for (ondemand::field field : document.get_object()) {
      const std::string_view key = field.unescaped_key();
      WalkedJson::Value value{field.value()};
      WalkedJson cursor(value);
      visit(key, cursor);
    }
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  } catch (const simdjson::simdjson_error&) {
    return false;
  }
}

}  // namespace assay
