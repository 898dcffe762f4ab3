// Which flag made which place of a text; see flag_text.h.
#include "cli/flag_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {
namespace {

constexpr size_t kMostShownBytes = 80;  // of a value

// What a scenario calls otherwise than the command line. Longer ones first where one is a part of another.
struct Renaming {
  std::string_view in_scenario, on_command_line;
};
constexpr Renaming kRenamings[] = {
    {"the target's api_key_env or api_key_file", "--api-key-env or --api-key-file"},
    {"env = { VLLM_API_KEY = true }", "--launch-env VLLM_API_KEY"},
    {"endpoint_model", "--model"},
    {"api_key_env", "--api-key-env"},
    {"api_key_file", "--api-key-file"},
    {"ca_file", "--ca-file"},
    {"metrics_url", "--metrics-url"},
    {"metrics_interval_s", "--metrics-interval"},
    {"timeout_s", "--timeout"},
    {"max_connections", "--max-concurrency"},
    {"prompt_tokens", "--input-len"},
    {"output_tokens", "--output-len"},
    {"prefix_tokens", "--prefix-len"},
    {"extra_body", "--extra-body"},
    {": use model", ": use --model"},
    {": use kind", ": use --api"},
    {"kind = \"", "--api \""},
    {": use documents", ": use --random-batch-size"},
    {"requests_per_class", "--num-prompts"},
    {"max_duration_s", "--duration"},
    {"rate_per_s", "--request-rate"},
    {"ttft_ms", "ttft"},
    {"tpot_ms", "tpot"},
    {"e2e_ms", "e2el"},
};

bool is_of_a_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Each `from` that is no part of a longer word.
std::string with_words_replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;) {
    const size_t end = at + from.size();
    const bool begins = at == 0 || !is_of_a_word(from.front()) || !is_of_a_word(text[at - 1]);
    const bool ends = end == text.size() || !is_of_a_word(text[end]);
    const bool is_word = begins && ends;
    if (is_word) text.replace(at, from.size(), to);
    at += is_word ? to.size() : from.size();
  }
  return text;
}

}  // namespace

std::string typed_flag(std::string_view flag, std::string_view value) {
  const bool is_plain = !value.empty() && value.find_first_of(" \t\n'\"") == std::string_view::npos;
  const std::string shown = printable(value, kMostShownBytes);
  return is_plain ? fmt::format("{} {}", flag, shown) : fmt::format("{} '{}'", flag, shown);
}

std::string typed_flag(const ParsedOptions& options, const char* flag) {
  return typed_flag(flag, options.value(flag));
}

void FlagText::add(std::string_view text, std::string_view flag) {
  if (text.empty()) return;
  pieces_.push_back({text_.size(), std::string(flag)});
  text_ += text;
}

void FlagText::add(const FlagText& other) {
  for (const Piece& piece : other.pieces_) pieces_.push_back({text_.size() + piece.begin, piece.flag});
  text_ += other.text_;
}

const FlagText::Piece* FlagText::piece_at(TomlPosition at) const {
  size_t offset = 0;
  for (uint32_t line = 1; line < at.line; ++line) {
    const size_t end = text_.find('\n', offset);
    if (end == std::string::npos) return nullptr;
    offset = end + 1;
  }
  // Columns are characters.
  for (uint32_t column = 1; column < at.column && offset < text_.size(); ++column)
    offset += std::max<size_t>(1, utf8_length(std::string_view(text_).substr(offset)));
  const auto behind = std::ranges::upper_bound(pieces_, offset, {}, &Piece::begin);
  return at.line == 0 || behind == pieces_.begin() ? nullptr : &*std::prev(behind);
}

std::string_view FlagText::key_of(const Piece& piece) const {
  const std::string_view rest = std::string_view(text_).substr(piece.begin);
  return rest.substr(0, std::min(rest.find_first_of(" \n"), rest.size()));
}

Error FlagText::told_of_flags(TomlPosition at, Error error) const {
  const Piece* piece = piece_at(at);
  error.where = piece == nullptr ? "" : piece->flag;
  error.remedy = "See `assay help load`.";
  if (!error.where.empty()) {
    // "--timeout 0: must be above 0" needs no key before it.
    const std::string key = std::string(key_of(*piece)) + ' ';
    if (error.what.starts_with(key)) error.what.erase(0, key.size());
  }
  for (const Renaming& each : kRenamings)
    error.what = with_words_replaced(std::move(error.what), each.in_scenario, each.on_command_line);
  return error;
}

}  // namespace assay
