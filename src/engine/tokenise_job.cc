// The job "tokenise": counts the tokens of texts by a model's own vocabulary, without its weights, and says
// of the first of them where their tokens end.
#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <memory>
#include <span>

#include "engine/backends.h"
#include "engine/job.h"
#include "workload/workload.h"

namespace assay {
namespace {

constexpr size_t kCountsPerLine = 50;
constexpr size_t kEndsPerLine = 5000;

struct FreeVocabularyModel {
  void operator()(llama_model* model) const { llama_model_free(model); }
};

const char* tokenizer_kind(const llama_vocab* vocab) {
  switch (llama_vocab_type(vocab)) {
    case LLAMA_VOCAB_TYPE_SPM:
      return "SentencePiece BPE";
    case LLAMA_VOCAB_TYPE_BPE:
      return "BPE";
    case LLAMA_VOCAB_TYPE_WPM:
      return "WordPiece";
    case LLAMA_VOCAB_TYPE_UGM:
      return "Unigram";
    default:
      return "other";
  }
}

// As servers count a text: special tokens that it spells are one token each, and none is added in front.
Result<int64_t> count_tokens(const llama_vocab* vocab, std::string_view text,
                             std::vector<llama_token>& room) {
  room.resize(std::max(room.size(), text.size() + 8));
  const int32_t count = llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), room.data(),
                                       static_cast<int32_t>(room.size()), false, true);
  if (count == INT32_MIN) return fail("the engine cannot count the tokens of a text", "tokenise");
  return std::abs(int64_t{count});
}

// Of a text whose tokens are in `tokens`; none where they do not spell it.
std::vector<uint32_t> ends_of(const llama_vocab* vocab, std::string_view text,
                              std::span<const llama_token> tokens) {
  SpelledText spelled(text);
  std::string piece(256, ' ');
  for (const llama_token token : tokens) {
    int32_t size =
        llama_token_to_piece(vocab, token, piece.data(), static_cast<int32_t>(piece.size()), 0, true);
    if (size < 0) {
      piece.resize(static_cast<size_t>(-int64_t{size}));
      size = llama_token_to_piece(vocab, token, piece.data(), static_cast<int32_t>(piece.size()), 0, true);
    }
    spelled.add(std::string_view(piece).substr(0, static_cast<size_t>(std::max(0, size))));
  }
  return spelled.take();
}

void tell_ends(JsonLines& out, size_t text, std::span<const uint32_t> ends) {
  while (!ends.empty()) {
    const size_t count = std::min(kEndsPerLine, ends.size());
    Json line = Json::array();
    for (const uint32_t end : ends.first(count)) line.push(int64_t{end});
    out.info(Json::object().set("text", static_cast<int64_t>(text)).set("token_ends", std::move(line)));
    ends = ends.subspan(count);
  }
}

}  // namespace

Result<void> run_tokenise_job(JobContext& context) {
  ASSIGN_OR_RETURN(const std::string path, context.required_text("model"));
  ASSIGN_OR_RETURN(const int64_t spelled, context.integer("spelled", 0, 0, kMaxSpelledTexts));
  ASSIGN_OR_RETURN(const std::string list, read_all(0, "stdin", kMaxTextListBytes));
  ASSIGN_OR_RETURN(const std::vector<std::string_view> texts, read_text_list(list));
  ggml_backend_dev_t no_devices[] = {nullptr};
  llama_model_params parameters = llama_model_default_params();
  parameters.vocab_only = true;
  parameters.devices = no_devices;
  const std::unique_ptr<llama_model, FreeVocabularyModel> model(
      llama_model_load_from_file(path.c_str(), parameters));
  if (model == nullptr) {
    const std::string words = EngineLog::install().last_error();
    return fail(fmt::format("the vocabulary cannot be loaded{}{}", words.empty() ? "" : ": ", words), path,
                "Check that the file is a whole GGUF model that this llama.cpp knows.");
  }
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE)
    return fail("the file has no tokenizer", path, "Take the GGUF of a model that reads text.");
  Json tokenizer = Json::object().set("kind", tokenizer_kind(vocab));
  tokenizer.set("vocabulary", int64_t{llama_vocab_n_tokens(vocab)});
  context.out.info(Json::object().set("tokenizer", std::move(tokenizer)));
  std::vector<llama_token> room;
  for (size_t begin = 0; begin < texts.size(); begin += kCountsPerLine) {
    Json counts = Json::array();
    for (size_t i = begin; i < std::min(begin + kCountsPerLine, texts.size()); ++i) {
      ASSIGN_OR_RETURN(const int64_t count, count_tokens(vocab, texts[i], room));
      if (i < static_cast<size_t>(spelled))
        tell_ends(context.out, i,
                  ends_of(vocab, texts[i], std::span(room).first(static_cast<size_t>(count))));
      counts.push(count);
    }
    context.out.info(Json::object().set("tokens", std::move(counts)));
  }
  return {};
}

}  // namespace assay
