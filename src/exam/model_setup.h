// A model made ready for a trial: its file found or written, its room on the device predicted.
#pragma once

#include <optional>
#include <string>

#include "catalogue/catalogue.h"
#include "exam/exam.h"

namespace assay {

// The model's checked file, written first if it is synthetic and not there; shows how far that is.
Result<ResolvedModel> prepare_model(ExamContext& context, const std::string& wanted);

// What the engine says that `job` would take, as the answer of its `fit` job; null where it cannot say.
Json predicted_fit(ExamContext& context, Json job);
// model.does-not-fit if `fit` says that there is no room. A prediction that was not made is none.
std::optional<Finding> room_finding(const Json& fit, const std::string& model, const std::string& device);

}  // namespace assay
