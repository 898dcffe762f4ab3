// The server under TLS, with our own client's half of it: answers, and the faults of handshakes.
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "emulate/emulate.h"
#include "emulate/server_test_support.h"
#include "http/http.h"

namespace assay::tls_server_test {

using ::testing::HasSubstr;

// A self-signed certificate for 127.0.0.1 and its key, as files.
class Identity {
 public:
  Identity() {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> x(X509_new(), X509_free);
    X509_set_version(x.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), 3600);
    X509_set_pubkey(x.get(), key.get());
    X509_NAME* name = X509_get_subject_name(x.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("assay test"),
                               -1, -1, 0);
    X509_set_issuer_name(x.get(), name);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(x.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_sign(x.get(), key.get(), EVP_sha256());
    FILE* file = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(file, x.get());
    std::fclose(file);
    file = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    file = std::fopen(encrypted_key_file().c_str(), "w");
    const auto* word = reinterpret_cast<const unsigned char*>("secret");
    PEM_write_PrivateKey(file, key.get(), EVP_aes_128_cbc(), word, 6, nullptr, nullptr);
    std::fclose(file);
  }
  ~Identity() {
    remove_file(certificate_file());
    remove_file(key_file());
    remove_file(encrypted_key_file());
  }
  static std::string certificate_file() { return ::testing::TempDir() + "emulate-cert.pem"; }
  static std::string key_file() { return ::testing::TempDir() + "emulate-key.pem"; }
  static std::string encrypted_key_file() { return ::testing::TempDir() + "emulate-encrypted-key.pem"; }
};

EmulatorOptions tls_options(std::string_view faults = "") {
  EmulatorOptions options;
  options.timing.ttft = options.timing.gap = nanos_from_ms(1);
  options.tls_certificate = Identity::certificate_file();
  options.tls_key = Identity::key_file();
  options.faults = *parse_faults(faults);
  return options;
}

// What a client gets for a stream of four tokens, or "failed: …".
std::string answer_of(const std::string& url_text) {
  SystemClock clock;
  const Url url = *parse_url(url_text);
  auto context = TlsContext::create(Identity::certificate_file());
  auto session = TlsSession::start(*context, url);
  auto fd = start_connect(resolve("127.0.0.1", url.port)->front());
  if (!context || !session || !fd) return "cannot start";
  const std::string body = R"({"messages":[{"role":"user","content":"x"}],"max_tokens":4,"stream":true})";
  std::string request, text;
  append_request(
      {.method = "POST", .target = "/v1/chat/completions", .host = "x", .fields = {}, .body = body}, request);
  bool ready = false;
  std::vector<char> buffer(65536);
  while (!text.ends_with("\r\n0\r\n\r\n")) {
    if (!ready) {
      const TlsSession::Step step = session->handshake();
      if (step == TlsSession::Step::kFailed) return "failed: " + session->error().what;
      ready = step == TlsSession::Step::kMoved;
      if (ready) session->write(request);
    }
    std::string out;
    session->take_output(out);
    while (!out.empty()) {
      pollfd room{.fd = fd->get(), .events = POLLOUT, .revents = 0};
      ::poll(&room, 1, 10'000);
      const Transfer sent = assay::send(fd->get(), out);
      if (sent.state == Transfer::State::kFailed) return "cannot send";
      out.erase(0, sent.bytes);
    }
    pollfd waiting{.fd = fd->get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 10'000) != 1) return text + "<nothing came>";
    const Transfer got = receive(fd->get(), buffer);
    if (got.state != Transfer::State::kMoved) return text + "<end>";
    session->receive({buffer.data(), got.bytes});
    size_t bytes = 0;
    while (ready && session->read(buffer, bytes) == TlsSession::Step::kMoved)
      text.append(buffer.data(), bytes);
  }
  return text;
}

std::string served(const EmulatorOptions& options) {
  SystemClock clock;
  auto emulator = Emulator::create(options, clock);
  if (!emulator) return emulator.error().message();
  std::atomic<bool> stopped = false;
  std::thread thread([&] { EXPECT_TRUE((*emulator)->run([&] { return stopped.load(); })); });
  std::string answer = answer_of((*emulator)->url());
  stopped = true;
  thread.join();
  return answer;
}

TEST(EmulatorTls, Streams) {
  const Identity identity;
  const std::string answer = served(tls_options());
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("[DONE]"));
}

TEST(EmulatorTls, HandshakesFailOnDemand) {
  const Identity identity;
  EXPECT_THAT(served(tls_options("tls-error")), HasSubstr("failed: TLS failed"));
  EXPECT_THAT(served(tls_options("bad-certificate")), HasSubstr("failed: the server's certificate"));
}

TEST(EmulatorTls, BadFilesAndOptionsAreErrors) {
  const Identity identity;
  EmulatorOptions options = tls_options();
  options.tls_key.clear();
  EXPECT_THAT(served(options), HasSubstr("--tls-cert"));
  options = tls_options();
  options.tls_key = options.tls_certificate;
  EXPECT_THAT(served(options), HasSubstr("private key"));
  options = tls_options();
  options.tls_key = Identity::encrypted_key_file();
  EXPECT_THAT(served(options), AllOf(HasSubstr("encrypted"), HasSubstr(options.tls_key)));
  options = tls_options();
  options.tls_certificate = "/nowhere/cert.pem";
  EXPECT_THAT(served(options), HasSubstr("/nowhere/cert.pem"));
  EmulatorOptions plain;
  plain.faults = *parse_faults("tls-error");
  EXPECT_THAT(served(plain), HasSubstr("needs TLS"));
}

// A client that takes its steps between the turns of a server on a fake clock.
class SteppingClient {
 public:
  explicit SteppingClient(Emulator& emulator)
      : session_(*TlsSession::start(context_, *parse_url(emulator.url()))),
        fd_(*start_connect(resolve("127.0.0.1", port_of(emulator.url()))->front())) {}

  bool shake_hands() {
    take();
    const bool done = session_.handshake() == TlsSession::Step::kMoved;
    give();
    return done;
  }
  void say(std::string_view text) {
    session_.write(text);
    give();
  }
  // Nothing has been closed so far.
  bool connected() {
    take();
    return open_;
  }

 private:
  void take() {
    std::vector<char> buffer(65536);
    Transfer got = receive(fd_.get(), buffer);
    for (; got.state == Transfer::State::kMoved; got = receive(fd_.get(), buffer))
      session_.receive({buffer.data(), got.bytes});
    open_ &= got.state == Transfer::State::kWouldBlock;
  }
  void give() {
    std::string out;
    session_.take_output(out);
    if (out.empty()) return;
    EXPECT_EQ(assay::send(fd_.get(), out).bytes, out.size());
  }
  TlsContext context_ = *TlsContext::create(Identity::certificate_file());
  TlsSession session_;
  FileDescriptor fd_;
  bool open_ = true;
};

TEST(EmulatorTls, ARequestsTimeRunsFromItsFirstByteNotFromTheHandshake) {
  const Identity identity;
  EmulatorOptions options = tls_options();
  options.real_time = false;
  for (const double pause_s : {9.5, 11.0}) {
    FakeClock clock;
    const auto emulator = *Emulator::create(options, clock);
    SteppingClient client(*emulator);
    const auto expect_connected = [&](bool connected) {
      return once(
          [&, connected] { EXPECT_EQ(client.connected(), connected) << "after " << pause_s << " s"; });
    };
    drive(*emulator, {[&] { return client.shake_hands(); }, pass(clock, pause_s), expect_connected(true),
                      once([&] { client.say("POST /v1/completions HTTP/1.1\r\nContent-Le"); }),
                      pass(clock, 9.5), expect_connected(true), pass(clock, 0.6), expect_connected(false)});
    EXPECT_EQ(emulator->summary().timed_out, 1);
  }
}

TEST(EmulatorTls, AHandshakeThatDoesNotComeToItsEndIsClosed) {
  const Identity identity;
  EmulatorOptions options = tls_options();
  options.real_time = false;
  FakeClock clock;
  const auto emulator = *Emulator::create(options, clock);
  SteppingClient client(*emulator);
  const auto nothing = [] {};
  drive(*emulator, {once(nothing), pass(clock, 9.9), once([&] { EXPECT_TRUE(client.connected()); }),
                    pass(clock, 0.2), once([&] { EXPECT_FALSE(client.connected()); })});
  EXPECT_EQ(emulator->summary().timed_out, 1);
}

}  // namespace assay::tls_server_test
