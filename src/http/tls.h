// TLS for clients and servers, over memory: ciphertext in, plaintext out and the other way round, so that the
// socket itself is read with the kernel's receive stamps. The stamp that plaintext gets is that of the
// segment which completed its record.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/base.h"
#include "http/url.h"

struct ssl_ctx_st;
struct ssl_st;

namespace assay {

// What all connections to one server share: which authorities are trusted. One thread only.
class TlsContext {
 public:
  // TLS 1.2 or later; the server must show a certificate that leads to one in `ca_file` (PEM), or to the
  // system's authorities where that is empty.
  static Result<TlsContext> create(const std::string& ca_file);

 private:
  friend class TlsSession;
  friend class TlsServerContext;
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  explicit TlsContext(ssl_ctx_st* context, std::string ca_file)
      : context_(context), ca_file_(std::move(ca_file)) {}
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::string ca_file_;
};

// What all connections to one of our own servers share: its certificate. One thread only.
class TlsServerContext {
 public:
  // TLS 1.2 or later. `certificate_file` holds the certificate and what leads to its authority, `key_file`
  // its private key (PEM both, the key without a password: nobody is asked for one).
  static Result<TlsServerContext> create(const std::string& certificate_file, const std::string& key_file);
  // With a certificate that no client should take: self-signed, for another host, expired. For tests of
  // clients.
  static Result<TlsServerContext> create_untrustworthy();

 private:
  friend class TlsSession;
  explicit TlsServerContext(ssl_ctx_st* context) : context_(context) {}
  static Result<TlsServerContext> create_empty();
  std::unique_ptr<ssl_ctx_st, TlsContext::Free> context_;
};

// One connection. Must not outlive its context. One thread only.
class TlsSession {
 public:
  enum class Step { kMoved, kNeedInput, kEnd, kFailed };

  // The server's certificate must name url.host.
  static Result<TlsSession> start(const TlsContext& context, const Url& url);
  // The server's side of a connection that a client has begun.
  static Result<TlsSession> accept(const TlsServerContext& context);

  void receive(std::string_view ciphertext);
  Step handshake();                                     // kMoved: it is complete
  Step read(std::span<char> plaintext, size_t& bytes);  // kEnd: the server said goodbye
  bool write(std::string_view plaintext);               // all of it; after the handshake
  void take_output(std::string& ciphertext);  // appends what is to be sent: call it after each of the above

  // Why a step failed, for people, with what to do about it.
  const Error& error() const { return error_; }
  std::string version() const;  // "TLSv1.3"
  std::string cipher() const;

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };
  static Result<TlsSession> create(ssl_ctx_st* context, std::string where, std::string ca_file);
  TlsSession(ssl_st* session, std::string where, std::string ca_file)
      : session_(session), where_(std::move(where)), ca_file_(std::move(ca_file)) {}
  Step fail_step(int result);
  Error explain() const;

  std::unique_ptr<ssl_st, Free> session_;
  std::string where_, ca_file_;
  Error error_;
};

}  // namespace assay
