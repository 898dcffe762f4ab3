// The job "tokenize": how many tokens texts have for a model. Only its vocabulary is loaded.
#include "engine/job.h"
#include "engine/model.h"
#include "engine/prompt_source.h"

namespace assay {
namespace {

struct FreeModel {
  void operator()(llama_model* model) const { llama_model_free(model); }
};

}  // namespace

Result<void> run_tokenize_job(JobContext& context) {
  ASSIGN_OR_RETURN(const std::string path, context.required_text("model"));
  llama_model_params parameters = llama_model_default_params();
  parameters.vocab_only = true;
  const std::unique_ptr<llama_model, FreeModel> model(llama_model_load_from_file(path.c_str(), parameters));
  if (model == nullptr) {
    return fail("the model's vocabulary cannot be loaded: " + EngineLog::install().last_error(), path,
                "Check that the file is a whole GGUF model.");
  }
  Json counts = Json::array();
  for (const Json& text : context.parameters["texts"].items()) {
    counts.push(static_cast<int64_t>(tokenize(llama_model_get_vocab(model.get()), text.as_string()).size()));
  }
  context.out.info(Json::object().set("token_counts", std::move(counts)));
  return {};
}

}  // namespace assay
