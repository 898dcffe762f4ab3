// The Open Inference Protocol (v2) over HTTP with JSON tensors, as KServe, Triton, MLServer and OpenVINO
// serve it:
// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md.
#include <fmt/format.h>

#include <algorithm>

#include "base/base.h"
#include "target/endpoint/endpoint_kinds.h"
#include "target/endpoint/json_walk.h"

namespace assay {
namespace {

constexpr size_t kQuotedTensorBytes = 60;
constexpr uint64_t kMostElements = uint64_t{1} << 40;  // of an answer, before its data are counted

// Elements of every type are valid in all types of that family: small whole numbers, and fractions below 1.
void append_element(std::string_view datatype, const Request& request, Random& random,
                    const PromptCutter& cutter, std::string& out) {
  if (datatype == "BYTES") {
    out += '"';
    append_json_text(cutter.text(request.corpus, random.next(), 8), out);
    out += '"';
  } else if (datatype == "BOOL") {
    out += random.below(2) == 0 ? "false" : "true";
  } else if (datatype.starts_with("FP")) {
    append_format(out, "{:.4f}", random.uniform());
  } else {
    append_format(out, "{}", random.below(100));
  }
}

// The extents of this request's tensor.
std::vector<int64_t> shape_of(const TensorSpec& tensor, const EndpointParts& parts) {
  std::vector<int64_t> shape = tensor.shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) continue;
    Random random = endpoint_draw(parts.request, "inputs");
    shape[i] = i == 0 ? parts.options.inputs.draw(random) : parts.request.prompt_tokens;
  }
  return shape;
}

void append_tensor(const TensorSpec& tensor, size_t index, const EndpointParts& parts, std::string& body) {
  body += R"({"name":")";
  append_json_text(tensor.name, body);
  append_format(body, R"(","datatype":"{}","shape":[)", tensor.datatype);
  int64_t elements = 1;
  const std::vector<int64_t> shape = shape_of(tensor, parts);
  for (size_t i = 0; i < shape.size(); ++i) {
    append_format(body, "{}{}", i == 0 ? "" : ",", shape[i]);
    elements = std::min(elements * shape[i], kMaxTensorElements);
  }
  body += R"(],"data":[)";
  Random random = endpoint_draw(parts.request, "tensor", index);
  for (int64_t i = 0; i < elements; ++i) {
    if (i > 0) body += ',';
    append_element(tensor.datatype, parts.request, random, parts.cutter, body);
  }
  body += "]}";
}

// The product of the extents; nothing if it is no shape.
std::optional<uint64_t> elements_of(WalkedJson& shape) {
  if (shape.type() != JsonType::kArray) return std::nullopt;
  uint64_t product = 1;
  bool is_shape = true;
  shape.each_item([&](std::string_view, WalkedJson& extent) {
    const std::optional<int64_t> number = extent.integer();
    const bool fits =
        number && *number >= 0 &&
        (*number == 0 || product <= kMostElements / std::min(static_cast<uint64_t>(*number), kMostElements));
    is_shape = is_shape && fits;
    if (is_shape) product *= static_cast<uint64_t>(*number);
  });
  if (!is_shape || product > kMostElements) return std::nullopt;
  return product;
}

JsonType element_type(std::string_view datatype) {
  return datatype == "BYTES"  ? JsonType::kString
         : datatype == "BOOL" ? JsonType::kBoolean
                              : JsonType::kNumber;
}

void read_output(WalkedJson& output, EndpointVerdict& verdict) {
  std::optional<uint64_t> elements;
  std::optional<WalkedJson::Scalars> data;
  bool has_name = false, has_data = false;
  std::string datatype;
  output.each_member([&](std::string_view key, WalkedJson& value) {
    if (key == "name") {
      has_name = !value.text().value_or("").empty();
    } else if (key == "datatype") {
      datatype = value.text().value_or("");
    } else if (key == "shape") {
      elements = elements_of(value);
    } else if (key == "data") {
      has_data = true;
      data = value.scalars();
    }
  });
  const auto wrong = [&](std::string words) { verdict.fail(FailureCause::kCheckFailed, std::move(words)); };
  const std::vector<std::string> known = tensor_datatypes();
  const bool is_known = datatype == "BF16" || std::ranges::find(known, datatype) != known.end();
  if (!has_name) return wrong("an output has no name");
  if (!is_known) return wrong(fmt::format("an output of datatype '{}'", printable(datatype, 40)));
  if (!elements) return wrong("an output has no shape of whole numbers");
  if (!has_data) return wrong("an output has no data");
  if (!data || (data->count > 0 && data->type != element_type(datatype)))
    return wrong(fmt::format("the data of an output are not all {}", datatype));
  if (data->count != *elements)
    wrong(fmt::format("an output has {} elements, and its shape says {}", data->count, *elements));
}

}  // namespace

void write_tensors(const EndpointParts& parts, std::string&, std::string& body) {
  body += R"({"id":")";
  body += endpoint_request_id(parts.request.id);
  body += R"(","inputs":[)";
  for (size_t i = 0; i < parts.options.tensors.size(); ++i) {
    if (i > 0) body += ',';
    append_tensor(parts.options.tensors[i], i, parts, body);
  }
  body += ']';
  body += parts.parameters;
  body += '}';
}

void read_tensors(const EndpointDocument& document, EndpointVerdict& verdict) {
  uint64_t outputs = 0;
  const bool is_read = JsonWalk().walk(document.body, [&](std::string_view key, WalkedJson& value) {
    if (key == "error")
      verdict.fail(FailureCause::kServerError,
                   "the server says: " + printable(value.text().value_or("an error"), 120));
    if (key != "outputs") return;
    value.each_item([&](std::string_view, WalkedJson& output) {
      ++outputs;
      read_output(output, verdict);
    });
  });
  if (!is_read) {
    verdict.cause = FailureCause::kNone;
    verdict.fail(FailureCause::kMalformed, "an answer that is no JSON document: " +
                                               printable(document.body.substr(0, 1000), kQuotedTensorBytes));
  }
  if (outputs == 0) verdict.fail(FailureCause::kCheckFailed, "the answer has no outputs");
}

}  // namespace assay
