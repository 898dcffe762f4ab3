// JsonWalk: a hostile JSON document read once from front to back, without a copy of it: for answers that are
// large and mostly numbers. simdjson does the reading, and only json_walk.cc sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/base.h"

namespace assay {

class WalkedJson;

// What a walk calls for each member or item: a reference to a callable, which must outlive the call.
class JsonVisit {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, JsonVisit>)
  JsonVisit(F&& visit)  // NOLINT: to be written as a lambda
      : object_(const_cast<void*>(static_cast<const void*>(&visit))),
        call_([](void* object, std::string_view key, WalkedJson& value) {
          (*static_cast<std::remove_reference_t<F>*>(object))(key, value);
        }) {}
  void operator()(std::string_view key, WalkedJson& value) const { call_(object_, key, value); }

 private:
  void* object_;
  void (*call_)(void*, std::string_view, WalkedJson&);
};

enum class JsonType { kNull, kBoolean, kNumber, kString, kArray, kObject };

// One value under the walk, to be looked at once, before the next one is. Reading what the value is not reads
// nothing.
class WalkedJson {
 public:
  JsonType type();
  std::optional<double> number();          // finite
  std::optional<int64_t> integer();        // written without fraction or exponent
  std::optional<std::string_view> text();  // until the next text() of the document
  void each_member(JsonVisit visit);
  void each_item(JsonVisit visit);  // with an empty key
  // How many scalars an array holds, those of arrays within it too, which are all of one type (kNull if there
  // are none): finite numbers, strings or booleans. Nothing if anything else lies in it.
  struct Scalars {
    uint64_t count = 0;
    JsonType type = JsonType::kNull;
  };
  std::optional<Scalars> scalars();

  struct Value;
  explicit WalkedJson(Value& value) : value_(value) {}

 private:
  Value& value_;
};

class JsonWalk {
 public:
  static constexpr size_t kPadding = 64;

  JsonWalk();
  ~JsonWalk();
  // Calls for each member of the document, which must be an object. False if it is none, or broken anywhere
  // that the visits looked at, or goes on behind its end. kPadding bytes behind `json` must be readable.
  bool walk(std::string_view json, JsonVisit visit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
