// What an answer must be: the form in which it comes, and for one that is a document how it is read and
// checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "workload/workload.h"

namespace assay {

enum class EndpointForm {
  kChunks,    // OpenAI's chunks up to [DONE]; a server that ignores `stream` answers with one document
  kEvents,    // OpenAI's response.… events up to response.completed; else as above
  kDocument,  // one document, read by a function
  kFetched,   // a plain body, whatever the status
};

// A whole answer that is a document.
struct EndpointDocument {
  int status = 200;
  std::string_view body;  // JsonWalk::kPadding bytes behind it are readable
  const RequestOptions& options;
  uint32_t items;  // so many things were sent
};

// What a reader found. `problem` quotes the server's words in a printable form and is at most 160 bytes.
struct EndpointVerdict {
  FailureCause cause = FailureCause::kNone;
  std::string problem;
  uint32_t prompt_tokens = 0;  // 0: the answer does not tell

  void fail(FailureCause why, std::string words) {
    if (cause != FailureCause::kNone) return;  // the first problem is the telling one
    cause = why;
    problem = std::move(words);
  }
};
using EndpointRead = void (*)(const EndpointDocument& document, EndpointVerdict& verdict);

// What the reader of one answer is told. `options` live until the answer has ended.
struct EndpointRule {
  EndpointForm form = EndpointForm::kChunks;
  EndpointRead read = nullptr;  // of kDocument
  const RequestOptions* options = nullptr;
  uint32_t items = 1;
  bool any_status = false;  // the reader judges the status too; else one but 2xx is an error
};

}  // namespace assay
