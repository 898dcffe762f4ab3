// For tests only: a server on a loopback port that does to its clients what a script says, plain or TLS, and
// certificates to do it with. Blocking, a thread a connection; nothing here is fast or hardened.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "os/os.h"

namespace assay::testing_server {

// A self-signed certificate and its key.
struct Identity {
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key{nullptr, EVP_PKEY_free};
  std::unique_ptr<X509, void (*)(X509*)> certificate{nullptr, X509_free};

  // `names` is a subjectAltName: "IP:127.0.0.1". Valid from `from_s` to `until_s` seconds from now.
  explicit Identity(const char* names, long from_s = -3600, long until_s = 3600) {
    key.reset(EVP_EC_gen("P-256"));
    certificate.reset(X509_new());
    X509* x = certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), until_s);
    X509_set_pubkey(x, key.get());
    X509_NAME* name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("assay test"),
                               -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    EXPECT_GT(X509_sign(x, key.get(), EVP_sha256()), 0);
  }

  std::string pem() const {
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    const std::string text(data, static_cast<size_t>(size));
    BIO_free(memory);
    return text;
  }
};

// One connection as the script sees it. Every wait ends when the server is destroyed.
class Peer {
 public:
  Peer(int fd, SSL* tls, int number) : fd_(fd), tls_(tls), number_(number) {}

  int number() const { return number_; }  // of the connection, from 0
  // One whole request, head and body; "" when the client has gone.
  std::string read_request() {
    while (true) {
      const size_t head = buffer_.find("\r\n\r\n");
      if (head != std::string::npos) {
        size_t body = 0;
        const size_t length = buffer_.find("Content-Length: ");
        if (length < head) body = static_cast<size_t>(std::stoul(buffer_.substr(length + 16)));
        if (buffer_.size() >= head + 4 + body) {
          const std::string request = buffer_.substr(0, head + 4 + body);
          buffer_.erase(0, request.size());
          return request;
        }
      }
      char piece[16384];
      const auto n =
          tls_ != nullptr ? SSL_read(tls_, piece, sizeof piece) : ::recv(fd_, piece, sizeof piece, 0);
      if (n <= 0) return "";
      buffer_.append(piece, static_cast<size_t>(n));
    }
  }
  void send(std::string_view text) {
    while (!text.empty()) {
      const auto n = tls_ != nullptr ? SSL_write(tls_, text.data(), static_cast<int>(text.size()))
                                     : ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }
  // Returns when the client has closed, or the server is destroyed.
  void wait_for_end() {
    while (!read_request().empty()) {
    }
  }
  // The connection will end with a reset instead of an end.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

 private:
  int fd_;
  SSL* tls_;
  int number_;
  std::string buffer_;
};

class Server {
 public:
  using Script = std::function<void(Peer&)>;

  explicit Server(Script script, const Identity* identity = nullptr, bool ipv6 = false)
      : script_(std::move(script)) {
    // OpenSSL writes without MSG_NOSIGNAL, and clients here hang up on purpose.
    std::signal(SIGPIPE, SIG_IGN);
    Result<Listener> listener = listen_on_loopback(ipv6);
    if (!listener) {
      ADD_FAILURE() << listener.error().message();
      return;
    }
    listener_ = std::move(*listener);
    if (identity != nullptr) {
      context_.reset(SSL_CTX_new(TLS_server_method()));
      SSL_CTX_use_certificate(context_.get(), identity->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), identity->key.get());
    }
    thread_ = std::thread([this] { accept_all(); });
  }
  ~Server() {
    stopping_ = true;
    ::shutdown(listener_.fd.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : peers_) thread.join();
  }

  std::string url() const {
    return std::string(context_ ? "https://" : "http://") + listener_.address.text() + "/v1";
  }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd waiting{.fd = listener_.fd.get(), .events = POLLIN, .revents = 0};
      ::poll(&waiting, 1, -1);
      FileDescriptor fd = accept_connection(listener_.fd.get());
      if (!fd.valid()) continue;
      ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
      const std::lock_guard lock(mutex_);
      open_.push_back(fd.get());
      peers_.emplace_back([this, raw = fd.release(), number = connections_++] { serve(raw, number); });
    }
  }
  void serve(int fd, int number) {
    SSL* tls = context_ ? SSL_new(context_.get()) : nullptr;
    if (tls != nullptr) SSL_set_fd(tls, fd);
    if (tls == nullptr || SSL_accept(tls) == 1) {
      Peer peer(fd, tls, number);
      script_(peer);
    }
    SSL_free(tls);
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    ::close(fd);
  }

  Script script_;
  Listener listener_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  std::thread thread_;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> peers_;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
};

// Something that one thread waits for and another says.
class Signal {
 public:
  void give() {
    const std::lock_guard lock(mutex_);
    given_ = true;
    condition_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(condition_.wait_for(lock, std::chrono::seconds(20), [this] { return given_; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool given_ = false;
};

}  // namespace assay::testing_server
