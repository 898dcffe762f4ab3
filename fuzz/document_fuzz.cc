// Answers that are documents, from hostile bytes: every reader comes to a verdict with words that fit, and
// calls nothing good that a second JSON parser does not take for a document. The first byte says which kind
// it is, the second how many things were sent.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base.h"
#include "target/endpoint/endpoint_kinds.h"
#include "target/endpoint/json_walk.h"

namespace {

using assay::RequestKind;

constexpr RequestKind kKinds[] = {RequestKind::kEmbeddings, RequestKind::kRerank, RequestKind::kKserve,
                                  RequestKind::kJson};

assay::EndpointVerdict read(RequestKind kind, std::string_view bytes, uint32_t items) {
  assay::RequestOptions options;
  options.kind = kind;
  options.expect.conditions = {{.pointer = "/a/0", .minimum = 0, .maximum = 1}};
  std::string padded(bytes);
  padded.append(assay::JsonWalk::kPadding, ' ');
  assay::EndpointVerdict verdict;
  assay::endpoint_kind(kind).read({.status = 200,
                                   .body = std::string_view(padded).substr(0, bytes.size()),
                                   .options = options,
                                   .items = items},
                                  verdict);
  return verdict;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 1 << 15) return 0;
  const RequestKind kind = kKinds[data[0] % std::size(kKinds)];
  const uint32_t items = data[1] % 8 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const assay::EndpointVerdict verdict = read(kind, bytes, items);
  CHECK(verdict.problem.size() <= 160);
  CHECK((verdict.cause == assay::FailureCause::kNone) == verdict.problem.empty());
  CHECK(assay::is_valid_utf8(verdict.problem));
  if (verdict.cause == assay::FailureCause::kNone) {
    const assay::Result<assay::Json> json = assay::Json::parse(bytes, "fuzz");
    if (json) CHECK(json->is_object() || kind == RequestKind::kJson);
  }
  return 0;
}
