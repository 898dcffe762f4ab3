// How fast the endpoint target reads what has arrived: events per second of one core, without the kernel.
//   bench/reply_speed [answers] [tokens an answer]
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "os/os.h"
#include "target/endpoint/endpoint_reply.h"

namespace {

using namespace assay;

// As vLLM streams a chat completion: one event an HTTP chunk.
std::string response(int tokens) {
  std::string out =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
  const auto add = [&](const std::string& json) {
    const std::string event = "data: " + json + "\n\n";
    out += fmt::format("{:x}\r\n{}\r\n", event.size(), event);
  };
  const auto chunk = [](const std::string& delta, const char* finish) {
    return R"({"id":"chatcmpl-3f1c2a7be0d94b1c8f2a6b1d2e3f4a5b","object":"chat.completion.chunk","created":1763987654,)"
           R"("model":"meta-llama/Llama-3.1-8B-Instruct","choices":[{"index":0,"delta":{)" +
           delta + R"(},"logprobs":null,"finish_reason":)" + finish + "}]}";
  };
  add(chunk(R"("role":"assistant","content":"")", "null"));
  for (int i = 0; i < tokens; ++i) add(chunk(fmt::format(R"("content":" word{}")", i % 97), "null"));
  add(chunk("", R"("length")"));
  add(fmt::format(
      R"({{"id":"chatcmpl-3f","object":"chat.completion.chunk","created":1763987654,"model":"m","choices":[],)"
      R"("usage":{{"prompt_tokens":25,"total_tokens":{},"completion_tokens":{}}}}})",
      25 + tokens, tokens));
  add("[DONE]");
  return out + "0\r\n\r\n";
}

}  // namespace

int main(int argc, char** argv) {
  const int answers = argc > 1 ? std::atoi(argv[1]) : 20'000;
  const int tokens = argc > 2 ? std::atoi(argv[2]) : 256;
  std::string bytes = response(tokens);
  const size_t size = bytes.size();
  bytes.append(EndpointChunkDecoder::kPadding, '\0');
  EndpointChunkDecoder decoder;
  EndpointReply reply(decoder);
  std::vector<StreamEvent> events;
  SystemClock clock;
  size_t contents = 0;
  constexpr size_t kRead = 64 * 1024;
  const Nanos begin = clock.cpu_time();
  for (int i = 0; i < answers; ++i) {
    reply.begin(static_cast<RequestId>(i + 1), 0);
    for (size_t at = 0; at < size; at += kRead) {
      reply.receive(std::string_view(bytes).substr(at, std::min(kRead, size - at)), Nanos(1 + i), events);
    }
    for (const StreamEvent& event : events)
      contents += event.kind == StreamEventKind::kContent ? event.chunks : 0;
    events.clear();
  }
  const double took_s = seconds(clock.cpu_time() - begin);
  fmt::print("{} events in {:.2f} s of CPU time: {:.2f} million a second, {:.0f} ns an event of {} bytes\n",
             contents, took_s, static_cast<double>(contents) / took_s / 1e6,
             took_s / static_cast<double>(contents) * 1e9, size / static_cast<size_t>(tokens));
  return contents == static_cast<size_t>(answers) * static_cast<size_t>(tokens) ? 0 : 1;
}
