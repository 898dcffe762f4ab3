// For tests only: what the servers of endpoint tests say, good and bad.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>

#include "target/endpoint/endpoint_test_server.h"
#include "workload/workload.h"

namespace assay::testing_server {

// ---- words ----

constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nServer: scripted\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
inline std::string chunk(std::string_view data) {
  return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

// An event cut into two chunks, as servers are free to do.
inline const std::string kContent =
    chunk("data: {\"choices\":[{\"") + chunk("delta\":{\"content\":\"word \"}}]}\n\n");
inline const std::string kUsage =
    chunk("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n");
inline const std::string kDone = chunk("data: [DONE]\n\n") + chunk("");

// "sent", "content" three times and "done 9 3" for a Recorder.
inline std::string good_answer() {
  std::string text(kStreamHead);
  for (int i = 0; i < 3; ++i) text += kContent;
  return text + kUsage + kDone;
}

// A whole response with a length. `fields`: further ones, each with its line end.
inline std::string plain(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline const std::string kModels =
    R"({"object":"list","data":[{"id":"tiny","object":"model","owned_by":"tests","max_model_len":2048,)"
    R"("meta":{"n_params":135}}]})";

// ---- scripts ----

// What is done with one request; it says whether the connection goes on.
using Reply = std::function<bool(Peer&, const std::string& request)>;

inline bool is_request(const std::string& text, RequestId id) {
  return text.find(fmt::format("X-Request-Id: assay-{}\r\n", id)) != std::string::npos;
}

// Leaves every request to `reply`.
inline Server::Script replying(Reply reply) {
  return [reply = std::move(reply)](Peer& peer) {
    for (std::string request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      if (!reply(peer, request)) return;
    }
  };
}

// Answers open()'s questions well and leaves every other request to `rest`.
inline Server::Script after_opening(Reply rest) {
  return replying([rest = std::move(rest)](Peer& peer, const std::string& request) {
    if (request.starts_with("GET ")) return peer.send(plain(200, kModels)), true;
    if (is_request(request, 0)) return peer.send(good_answer()), true;
    return rest(peer, request);
  });
}

// Also without an opening: every request that is no question of open()'s gets a good answer.
inline Server::Script well_behaved() {
  return after_opening([](Peer& peer, const std::string&) { return peer.send(good_answer()), true; });
}

// Answers with `text` and closes.
inline Server::Script answering(std::string text) {
  return after_opening(
      [text = std::move(text)](Peer& peer, const std::string&) { return peer.send(text), false; });
}

// Answers every request with `text`, a question of open()'s too.
inline Server::Script always(std::string text) {
  return replying([text = std::move(text)](Peer& peer, const std::string&) { return peer.send(text), true; });
}

}  // namespace assay::testing_server
