// Reading of BPE models and encoding with them; see bpe_model.h.
#include "workload/tokenizer/bpe_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>

namespace assay {
namespace {

constexpr const char* kTakeGguf = "Count with the model's GGUF instead.";

// "▁t he": two tokens, between which stands the first blank.
std::pair<std::string_view, std::string_view> merge_of(const Json& json) {
  if (json.is_array() && json.items().size() == 2)
    return {json.items()[0].as_string(), json.items()[1].as_string()};
  const std::string_view text = json.as_string();
  const size_t blank = text.find(' ');
  if (blank == std::string_view::npos || text.find(' ', blank + 1) != std::string_view::npos) return {};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

}  // namespace

Result<BpeModel> BpeModel::read(const Json& json, const std::string& where) {
  const std::string& type = json["type"].as_string();
  // Old files do not say; only this model has merges.
  if (type != "BPE" && !(type.empty() && json["merges"].is_array()))
    return fail(fmt::format("its model {} is not implemented, only BPE is", printable(type, 60)), where,
                kTakeGguf);
  BpeModel model;
  RETURN_IF_ERROR(model.read_vocabulary(json["vocab"], where));
  RETURN_IF_ERROR(model.read_options(json, where));
  RETURN_IF_ERROR(model.read_merges(json["merges"], where));
  return model;
}

Result<void> BpeModel::read_options(const Json& json, const std::string& where) {
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!json[key].as_string().empty()) return fail(fmt::format("its model has a {}", key), where, kTakeGguf);
  }
  if (json["dropout"].as_number() != 0)
    return fail("its model has a dropout: its counts are drawn", where, kTakeGguf);
  if (json["unk_token"].is_string()) {
    unknown_ = find(json["unk_token"].as_string());
    if (!unknown_) return fail("the unk_token of its model is not in the vocabulary", where);
  }
  fuses_unknown_ = json["fuse_unk"].as_bool();
  has_byte_fallback_ = json["byte_fallback"].as_bool();
  ignores_merges_ = json["ignore_merges"].as_bool();
  return {};
}

Result<void> BpeModel::read_vocabulary(const Json& json, const std::string& where) {
  if (json.members().empty()) return fail("its model has no vocabulary", where);
  ids_.reserve(json.members().size());
  for (const auto& [token, id] : json.members()) {
    if (id.as_integer(-1) < 0 || id.as_integer() > UINT32_MAX)
      return fail(fmt::format("the token {} of its vocabulary has no number", printable(token, 60)), where);
    ids_.insert_or_assign(token, static_cast<uint32_t>(id.as_integer()));
  }
  return {};
}

Result<void> BpeModel::read_merges(const Json& json, const std::string& where) {
  if (!json.is_array()) return fail("its model has no merges", where);
  merges_.reserve(json.items().size());
  std::string together;
  uint32_t rank = 0;
  for (const Json& each : json.items()) {
    const auto [left, right] = merge_of(each);
    together.assign(left).append(right);
    const std::optional<uint32_t> left_id = find(left), right_id = find(right), id = find(together);
    if (!left_id || !right_id || !id)
      return fail(fmt::format("merge {} of its model is of tokens that the vocabulary does not have", rank),
                  where);
    merges_.insert_or_assign(pair_of(*left_id, *right_id), Merge{rank++, *id});
  }
  return {};
}

std::optional<uint32_t> BpeModel::find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::unordered_map<uint32_t, std::string_view> BpeModel::tokens_by_id() const {
  std::unordered_map<uint32_t, std::string_view> tokens;
  tokens.reserve(ids_.size());
  for (const auto& [token, id] : ids_) tokens.emplace(id, token);
  return tokens;
}

// False, and nothing appended, if one of the bytes has no token.
bool BpeModel::append_bytes(std::string_view character, std::vector<uint32_t>& symbols) const {
  const size_t before = symbols.size();
  for (const char c : character) {
    const std::optional<uint32_t> id = find(fmt::format("<0x{:02X}>", static_cast<unsigned char>(c)));
    if (!id) return symbols.resize(before), false;
    symbols.push_back(*id);
  }
  return true;
}

std::vector<uint32_t> BpeModel::symbols_of(std::string_view word) const {
  std::vector<uint32_t> symbols;
  symbols.reserve(word.size());
  bool was_unknown = false;
  while (!word.empty()) {
    const std::string_view character = word.substr(0, std::max<size_t>(1, utf8_length(word)));
    word.remove_prefix(character.size());
    const std::optional<uint32_t> id = find(character);
    const bool is_known = id || (has_byte_fallback_ && append_bytes(character, symbols));
    if (id) {
      symbols.push_back(*id);
    } else if (!is_known && unknown_ && !(fuses_unknown_ && was_unknown)) {
      symbols.push_back(*unknown_);
    }
    was_unknown = !is_known;
  }
  return symbols;
}

void BpeModel::encode(std::string_view word, std::vector<uint32_t>& tokens) const {
  if (ignores_merges_) {
    if (const std::optional<uint32_t> id = find(word)) return tokens.push_back(*id);
  }
  const std::vector<uint32_t> symbols = symbols_of(word);
  // Symbols as a linked list; one that was merged into the one before it is gone.
  struct Link {
    uint32_t id;
    size_t previous, next;
    bool is_gone = false;
  };
  constexpr size_t kNone = SIZE_MAX;
  std::vector<Link> links(symbols.size());
  for (size_t i = 0; i < symbols.size(); ++i)
    links[i] = {symbols[i], i - 1, i + 1 < symbols.size() ? i + 1 : kNone};

  struct Candidate {
    uint32_t rank, id;
    size_t at;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto merge_at = [&](size_t at) -> const Merge* {
    if (at == kNone || links[at].next == kNone) return nullptr;
    const auto found = merges_.find(pair_of(links[at].id, links[links[at].next].id));
    return found == merges_.end() ? nullptr : &found->second;
  };
  const auto propose = [&](size_t at) {
    if (const Merge* merge = merge_at(at)) queue.push({merge->rank, merge->id, at});
  };
  for (size_t i = 0; i < links.size(); ++i) propose(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    // A pair may have changed since it was proposed.
    const Merge* merge = links[best.at].is_gone ? nullptr : merge_at(best.at);
    if (merge == nullptr || merge->id != best.id) continue;
    Link& left = links[best.at];
    links[left.next].is_gone = true;
    left.id = best.id;
    left.next = links[left.next].next;
    if (left.next != kNone) links[left.next].previous = best.at;
    propose(left.previous);
    propose(best.at);
  }
  for (const Link& link : links) {
    if (!link.is_gone) tokens.push_back(link.id);
  }
}

}  // namespace assay
