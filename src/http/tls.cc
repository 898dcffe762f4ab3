// TLS over OpenSSL's memory BIOs; see tls.h.
#include "http/tls.h"

#include <fmt/format.h>
#include <openssl/buffer.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>

#include "os/os.h"

namespace assay {
namespace {

// Of a client. OpenSSL keeps a buffer of this size for each connection: it is made anew by the tickets that
// come after the handshake, and given back by the next write only, which an answer does not see.
constexpr long kMostSentBytes = 4096;
// What a connection's ciphertext may keep between two arrivals; a burst at its start would stay for good.
constexpr size_t kKeptBytes = 2048;

void shrink(BIO* bio) {
  BUF_MEM* buffer = nullptr;
  BIO_get_mem_ptr(bio, &buffer);
  if (buffer == nullptr || buffer->max <= kKeptBytes || BIO_pending(bio) > 0) return;
  if (BUF_MEM* fresh = BUF_MEM_new(); fresh != nullptr) BIO_set_mem_buf(bio, fresh, BIO_CLOSE);
}

// The oldest error of this thread's queue in words; the queue is emptied.
std::string openssl_words() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return errno_text(ERR_GET_REASON(code));  // for which it has no words
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

// Instead of OpenSSL's own, which asks at the terminal: notes that a key is encrypted, and has no password.
int no_password(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// Where distributions keep the authorities that they trust, in one file: Debian and its kin and Arch; Fedora
// and Red Hat's (two places); openSUSE; Alpine. (crypto/x509/root_linux.go of Go names the same.)
constexpr const char* kAuthorities[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

// OpenSSL looks where the distribution that it was built for keeps them, or where SSL_CERT_FILE and
// SSL_CERT_DIR say. An unpacked bundle may stand on another distribution.
bool openssl_finds_authorities() {
  for (const char* name : {X509_get_default_cert_file_env(), X509_get_default_cert_dir_env()}) {
    if (::getenv(name) != nullptr) return true;  // OpenSSL itself reads them, too
  }
  return file_exists(X509_get_default_cert_file()) || file_exists(X509_get_default_cert_dir());
}

bool trust_system(SSL_CTX* context) {
  if (SSL_CTX_set_default_verify_paths(context) != 1) return false;
  if (openssl_finds_authorities()) return true;
  for (const char* file : kAuthorities) {
    if (file_exists(file)) return SSL_CTX_load_verify_file(context, file) == 1;
  }
  return true;  // none: a server's certificate will be refused, with advice
}

Error explain_certificate(long code, const std::string& where, const std::string& ca_file) {
  Error error("", where);
  const std::string authority =
      ca_file.empty()
          ? "Set ca_file to a PEM file with the certificate of the authority that signed it"
          : "Check that ca_file (" + ca_file + ") holds the certificate of the authority that signed it";
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      error.what = "the server's certificate has expired";
      error.remedy = "Renew it on the server, and check this machine's date.";
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      error.what = "the server's certificate is not valid yet";
      error.remedy = "Check the date of this machine and of the server.";
      break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      error.what = "the server's certificate is self-signed and not trusted";
      error.remedy = ca_file.empty() ? "Set ca_file to a PEM file with this very certificate."
                                     : "Put this very certificate (PEM) into ca_file (" + ca_file + ").";
      break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      error.what = "the server's certificate was signed by an authority that is not trusted";
      error.remedy = authority + ".";
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      error.what = "the server's certificate is for another host";
      error.remedy = "Use the host name that stands in the certificate.";
      break;
    default:
      error.what =
          fmt::format("the server's certificate was refused: {}", X509_verify_cert_error_string(code));
      error.remedy = authority + ".";
  }
  return error;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void TlsSession::Free::operator()(ssl_st* session) const {
  SSL_free(session);
}

Result<TlsContext> TlsContext::create(const std::string& ca_file) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_client_method()), ca_file);
  SSL_CTX* raw = context.context_.get();
  if (raw == nullptr) return fail("cannot set up TLS: " + openssl_words());
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  // Some servers end without goodbye; whether something is missing then is for HTTP to say.
  SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_send_fragment(raw, kMostSentBytes);
  constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(raw, kProtocols, sizeof kProtocols - 1);
  if (ca_file.empty()) {
    if (!trust_system(raw)) {
      return fail("cannot load the system's certificate authorities: " + openssl_words(), "",
                  "Install the package ca-certificates, or set ca_file.");
    }
  } else if (SSL_CTX_load_verify_file(raw, ca_file.c_str()) != 1) {
    return fail("cannot read certificates from this file: " + openssl_words(), ca_file,
                "Set ca_file to a PEM file (-----BEGIN CERTIFICATE-----).");
  }
  return context;
}

Result<TlsServerContext> TlsServerContext::create_empty() {
  ERR_clear_error();
  TlsServerContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* raw = context.context_.get();
  if (raw == nullptr) return fail("cannot set up TLS: " + openssl_words());
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Result<TlsServerContext> TlsServerContext::create(const std::string& certificate_file,
                                                  const std::string& key_file) {
  ASSIGN_OR_RETURN(TlsServerContext context, create_empty());
  SSL_CTX* raw = context.context_.get();
  bool encrypted = false;
  SSL_CTX_set_default_passwd_cb(raw, no_password);
  SSL_CTX_set_default_passwd_cb_userdata(raw, &encrypted);
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1) {
    return fail("cannot read a certificate from this file: " + openssl_words(), certificate_file,
                "Give a PEM file (-----BEGIN CERTIFICATE-----).");
  }
  const bool taken = SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb(raw, nullptr);
  SSL_CTX_set_default_passwd_cb_userdata(raw, nullptr);
  if (!taken && encrypted) {
    ERR_clear_error();
    return fail("this private key is encrypted", key_file,
                "Give the key without a password, as `openssl pkey -in KEY -out PLAIN` writes it.");
  }
  if (!taken) {
    return fail("cannot use this file as the certificate's private key: " + openssl_words(), key_file,
                "Give the PEM file of the key that belongs to the certificate.");
  }
  return context;
}

Result<TlsServerContext> TlsServerContext::create_untrustworthy() {
  ASSIGN_OR_RETURN(TlsServerContext context, create_empty());
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  X509* x = certificate.get();
  bool made = key != nullptr && x != nullptr && X509_set_version(x, 2) == 1 &&
              ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(x), -7200) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(x), -3600) != nullptr && X509_set_pubkey(x, key.get()) == 1;
  if (made) {
    X509_NAME* name = X509_get_subject_name(x);
    const auto* host = reinterpret_cast<const unsigned char*>("another-host.invalid");
    made = X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, name) == 1 && X509_sign(x, key.get(), EVP_sha256()) > 0 &&
           SSL_CTX_use_certificate(context.context_.get(), x) == 1 &&
           SSL_CTX_use_PrivateKey(context.context_.get(), key.get()) == 1;
  }
  if (!made) return fail("cannot make a certificate: " + openssl_words());
  return context;
}

Result<TlsSession> TlsSession::create(ssl_ctx_st* context, std::string where, std::string ca_file) {
  ERR_clear_error();
  TlsSession session(SSL_new(context), std::move(where), std::move(ca_file));
  SSL* raw = session.session_.get();
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (raw == nullptr || in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    return fail("cannot set up TLS: " + openssl_words(), session.where_);
  }
  BIO_set_mem_eof_return(in, -1);  // an empty buffer means "later", not "the end"
  SSL_set_bio(raw, in, out);
  return session;
}

Result<TlsSession> TlsSession::accept(const TlsServerContext& context) {
  ASSIGN_OR_RETURN(TlsSession session, create(context.context_.get(), "", ""));
  SSL_set_accept_state(session.session_.get());
  return session;
}

Result<TlsSession> TlsSession::start(const TlsContext& context, const Url& url) {
  ASSIGN_OR_RETURN(TlsSession session, create(context.context_.get(), url.text(), context.ca_file_));
  SSL* raw = session.session_.get();
  SSL_set_hostflags(raw, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int named = url.ip_literal ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(raw), url.host.c_str())
                                   : SSL_set1_host(raw, url.host.c_str());
  // RFC 6066 §3: server name indication is for names only.
  if (named != 1 || (!url.ip_literal && SSL_set_tlsext_host_name(raw, url.host.c_str()) != 1)) {
    return fail("TLS cannot check this host's name: " + openssl_words(), url.text());
  }
  SSL_set_connect_state(raw);
  return session;
}

void TlsSession::receive(std::string_view ciphertext) {
  while (!ciphertext.empty()) {
    const int n = BIO_write(SSL_get_rbio(session_.get()), ciphertext.data(),
                            static_cast<int>(std::min<size_t>(ciphertext.size(), 1 << 20)));
    CHECK(n > 0);  // memory only
    ciphertext.remove_prefix(static_cast<size_t>(n));
  }
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  return result == 1 ? Step::kMoved : fail_step(result);
}

TlsSession::Step TlsSession::read(std::span<char> plaintext, size_t& bytes) {
  ERR_clear_error();
  const int result = SSL_read_ex(session_.get(), plaintext.data(), plaintext.size(), &bytes);
  return result == 1 ? Step::kMoved : fail_step(result);
}

bool TlsSession::write(std::string_view plaintext) {
  ERR_clear_error();
  while (!plaintext.empty()) {
    size_t written = 0;
    const int result = SSL_write_ex(session_.get(), plaintext.data(), plaintext.size(), &written);
    if (result != 1) return fail_step(result), false;
    plaintext.remove_prefix(written);
  }
  return true;
}

void TlsSession::take_output(std::string& ciphertext) {
  BIO* out = SSL_get_wbio(session_.get());
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(out, &data);
  if (bytes <= 0) return;
  ciphertext.append(data, static_cast<size_t>(bytes));
  BIO_reset(out);
  shrink(out);
}

TlsSession::Step TlsSession::fail_step(int result) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      shrink(SSL_get_rbio(session_.get()));
      return Step::kNeedInput;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kEnd;
    default:
      error_ = explain();
      return Step::kFailed;
  }
}

Error TlsSession::explain() const {
  const unsigned long code = ERR_peek_error();
  const long verify = SSL_get_verify_result(session_.get());
  if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verify != X509_V_OK) {
    ERR_clear_error();
    return explain_certificate(verify, where_, ca_file_);
  }
  const bool plain =
      ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER || ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
  return Error{"TLS failed: " + openssl_words(), where_,
               plain ? "The server may not speak TLS on this port: try http:// instead of https://." : ""};
}

std::string TlsSession::version() const {
  return SSL_get_version(session_.get());
}
std::string TlsSession::cipher() const {
  return SSL_get_cipher_name(session_.get());
}

}  // namespace assay
