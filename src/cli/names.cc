// Every table of named things, as text and JSON.
#include "cli/names.h"

#include <fmt/format.h>

#include "catalogue/catalogue.h"
#include "cli/chip_text.h"
#include "emulate/emulate.h"
#include "evidence/evidence.h"
#include "exam/exam.h"
#include "target/target.h"

namespace assay {
namespace {

std::vector<NamedThing> exam_things() {
  std::vector<NamedThing> things;
  for (const Exam& exam : exams()) {
    things.push_back({exam.name, exam.title,
                      fmt::format("{}\n\n{}\n\nAnswers question {}, {}\n\nExample:\n  {}\n", exam.description,
                                  exam.details, exam.question, question(exam.question).text, exam.example),
                      Json(Json::Object{{"name", exam.name},
                                        {"title", exam.title},
                                        {"question", exam.question},
                                        {"description", exam.description},
                                        {"details", exam.details},
                                        {"example", exam.example}})});
  }
  return things;
}

std::vector<NamedThing> target_things() {
  std::vector<NamedThing> things;
  for (const TargetKindRow& kind : target_kinds()) {
    things.push_back({kind.name, kind.title,
                      fmt::format("{}\n\nIn a scenario:\n\n{}\n", kind.description, kind.example),
                      Json(Json::Object{{"name", kind.name},
                                        {"title", kind.title},
                                        {"description", kind.description},
                                        {"example", kind.example}})});
  }
  return things;
}

std::vector<NamedThing> request_things() {
  std::vector<NamedThing> things;
  for (const RequestKindRow& kind : request_kinds()) {
    const std::string path = *kind.path == '\0' ? "the class's" : kind.path;
    const char* streamed = kind.streams ? "yes" : "no: it has E2E, throughput, goodput and errors";
    things.push_back(
        {kind.name, kind.title,
         fmt::format("{}\n\nPath: {}. Streamed: {}.\n\nIn a scenario:\n\n[[traffic]]\nkind = \"{}\"\n",
                     kind.description, path, streamed, kind.name),
         Json(Json::Object{{"name", kind.name},
                           {"title", kind.title},
                           {"path", path},
                           {"streams", kind.streams},
                           {"description", kind.description}})});
  }
  return things;
}

const char* better_text(Better better) {
  return better == Better::kHigher ? "higher" : better == Better::kLower ? "lower" : "neither";
}

std::vector<NamedThing> metric_things() {
  std::vector<NamedThing> things;
  for (const Metric& metric : metrics()) {
    std::string text =
        fmt::format("{}\n\nExam: {}. Unit: {}. Better: {}. Source: {}.\n", metric.definition,
                    exam_of(metric.scope), *metric.unit == '\0' ? "none (a ratio or a count)" : metric.unit,
                    better_text(metric.better), metric.source);
    if (metric.is_distribution) {
      text += fmt::format(
          "\nA distribution: records name a statistic, {0}_mean, {0}_p50, {0}_p90, {0}_p95, {0}_p99, "
          "{0}_p99_9 or {0}_max.\n",
          metric.name);
    }
    things.push_back({metric.name, metric.title, text,
                      Json(Json::Object{{"name", metric.name},
                                        {"title", metric.title},
                                        {"exam", exam_of(metric.scope)},
                                        {"unit", metric.unit},
                                        {"better", better_text(metric.better)},
                                        {"is_distribution", metric.is_distribution},
                                        {"definition", metric.definition},
                                        {"source", metric.source}})});
  }
  return things;
}

std::vector<NamedThing> shape_things() {
  std::vector<NamedThing> things;
  for (const ModelShape& shape : model_shapes()) {
    const std::string parameters = format_number(static_cast<double>(shape.parameters()));
    const std::string experts =
        shape.experts == 0 ? "dense"
                           : fmt::format("{} experts, {} used at once", shape.experts, shape.experts_used);
    things.push_back(
        {shape.name, fmt::format("{}, {} parameters, {}", shape.title, parameters, experts),
         fmt::format(
             "{} layers, embedding {}, {} heads ({} for keys and values) of {}, feed-forward {}, vocabulary {}, "
             "context {}, {}.\n\nSource: {}.\n\nAs a model: synthetic:{}:q4_k (or f16, q8_0, …).\n",
             shape.layers, shape.embedding, shape.heads, shape.kv_heads, shape.head_size, shape.feed_forward,
             shape.vocabulary, shape.context_tokens, experts, shape.source, shape.name),
         Json(Json::Object{{"name", shape.name},
                           {"title", shape.title},
                           {"architecture", shape.architecture},
                           {"parameters", shape.parameters()},
                           {"layers", shape.layers},
                           {"embedding", shape.embedding},
                           {"heads", shape.heads},
                           {"kv_heads", shape.kv_heads},
                           {"head_size", shape.head_size},
                           {"feed_forward", shape.feed_forward},
                           {"experts", shape.experts},
                           {"experts_used", shape.experts_used},
                           {"vocabulary", shape.vocabulary},
                           {"context_tokens", shape.context_tokens},
                           {"source", shape.source}})});
  }
  return things;
}

std::vector<NamedThing> fault_things() {
  std::vector<NamedThing> things;
  for (const FaultKindRow& row : fault_kinds()) {
    std::string keys = "every or at";
    if (row.seconds > 0) keys += fmt::format(", seconds ({})", format_number(row.seconds));
    if (row.has_tokens) keys += ", tokens (the middle of the answer)";
    if (row.kind == FaultKind::kHugeLine) keys += ", bytes (2 MiB)";
    const char* counted = row.of_connections ? "connections" : "requests for inference";
    things.push_back(
        {row.name, row.help,
         fmt::format("A fault of `assay emulate`, counted in {}.\n\nKeys, with what holds without them: {}.\n"
                     "\nExample:\n  assay emulate{} --fault {}:every=10\n",
                     counted, keys, row.needs_tls ? " --tls-cert cert.pem --tls-key key.pem" : "", row.name),
         Json(Json::Object{{"name", row.name},
                           {"title", row.help},
                           {"counted", counted},
                           {"keys", keys},
                           {"needs_tls", row.needs_tls}})});
  }
  return things;
}

std::vector<NamedThing> chip_things() {
  std::vector<NamedThing> things;
  for (const Chip& chip : ChipCatalogue::built_in().chips()) {
    NamedThing thing{chip.id, chip_title(chip), chip_text(chip), chip_json(chip)};
    thing.aliases = chip.aliases;
    thing.aliases.push_back(chip.name);
    things.push_back(std::move(thing));
  }
  return things;
}

}  // namespace

std::span<const NamedKind> named_kinds() {
  static constexpr NamedKind kKinds[] = {
      {"exams", "kinds of tests", exam_things},
      {"targets", "what can be given work", target_things},
      {"requests", "what an endpoint may be sent", request_things},
      {"metrics", "every quantity that a record can carry", metric_things},
      {"shapes", "architectures that synthetic:SHAPE:TYPE can take", shape_things},
      {"faults", "mishaps that assay emulate can play", fault_things},
      {"chips", "what is claimed of accelerators, by whom", chip_things},
  };
  return kKinds;
}

}  // namespace assay
