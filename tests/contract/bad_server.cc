#include "tests/contract/bad_server.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "operator/base/check.h"

namespace chaos::contract {
namespace {

SSL_CTX* MakeContext(const Identity& identity, const std::string& client_ca) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  BIO* certificate = BIO_new_mem_buf(identity.certificate.data(), -1);
  BIO* key = BIO_new_mem_buf(identity.key.data(), -1);
  X509* x509 = PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
  EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
  CHECK(SSL_CTX_use_certificate(context, x509) == 1 && SSL_CTX_use_PrivateKey(context, pkey) == 1);
  X509_free(x509);
  EVP_PKEY_free(pkey);
  BIO_free(certificate);
  BIO_free(key);
  if (!client_ca.empty()) {
    BIO* ca = BIO_new_mem_buf(client_ca.data(), -1);
    X509* trusted = PEM_read_bio_X509(ca, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), trusted);
    X509_free(trusted);
    BIO_free(ca);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

// On the loopback, at a port that the kernel chooses.
int Listen(bool six) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  const int listener = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* address = six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  CHECK(bind(listener, address, six ? sizeof v6 : sizeof v4) == 0);
  CHECK(listen(listener, 128) == 0);
  return listener;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

SeenRequest ParseHead(const std::string& head) {
  SeenRequest request;
  std::size_t end = head.find("\r\n");
  const std::string first = head.substr(0, end);
  request.method = first.substr(0, first.find(' '));
  request.target =
      first.substr(request.method.size() + 1, first.rfind(' ') - request.method.size() - 1);
  while (end + 2 < head.size()) {
    const std::size_t begin = end + 2;
    end = head.find("\r\n", begin);
    const std::string line = head.substr(begin, end - begin);
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) break;
    std::string value = line.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    request.headers[Lower(line.substr(0, colon))] = value;
  }
  return request;
}

}  // namespace

bool Exchange::ReadRequest() {
  for (;;) {
    if (!ReadAny()) return false;
    if (request_.target != kPrimeTarget) break;
    primed_ = true;
    if (!Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) return false;
  }
  if (++server_.seen_ == 1) server_.reused_ = primed_;
  return true;
}

bool Exchange::ReadAny() {
  char chunk[16384];
  for (;;) {
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end != std::string::npos) {
      SeenRequest request = ParseHead(buffer_.substr(0, end + 2));
      const std::size_t length =
          std::strtoul(request.headers["content-length"].c_str(), nullptr, 10);
      if (buffer_.size() >= end + 4 + length) {
        request.body = buffer_.substr(end + 4, length);
        buffer_.erase(0, end + 4 + length);
        request_ = std::move(request);
        return true;
      }
    }
    const int size = SSL_read(tls_, chunk, sizeof chunk);
    if (size <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(size));
  }
}

void Exchange::Execute() { ++server_.executed_; }

bool Exchange::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const int sent =
        SSL_write(tls_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 16384)));
    if (sent <= 0) return false;
    server_.bytes_sent_ += static_cast<std::size_t>(sent);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Exchange::SendSlowly(std::string_view bytes, std::size_t piece,
                          std::chrono::milliseconds pause) {
  while (!bytes.empty()) {
    if (!Send(bytes.substr(0, piece))) return false;
    bytes.remove_prefix(std::min(piece, bytes.size()));
    pollfd gone{socket_, POLLRDHUP, 0};
    if (poll(&gone, 1, static_cast<int>(pause.count())) > 0) return false;
  }
  return true;
}

void Exchange::Reset() {
  const linger now{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void Exchange::Drop() { shutdown(socket_, SHUT_WR); }

void Exchange::Close() { SSL_shutdown(tls_); }

void Exchange::Hold() {
  char ignored[4096];
  if (tls_ == nullptr) {
    while (recv(socket_, ignored, sizeof ignored, 0) > 0) continue;
  } else {
    while (SSL_read(tls_, ignored, sizeof ignored) > 0) continue;
  }
}

BadServer::BadServer(const Identity& identity, Script script, Script before_tls,
                     const std::string& client_ca, bool six)
    : script_(std::move(script)),
      before_tls_(std::move(before_tls)),
      context_(MakeContext(identity, client_ca)) {
  std::signal(SIGPIPE, SIG_IGN);
  listener_ = Listen(six);
  // The port is at the same place for both families.
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin6_port);
  accept_thread_ = std::jthread([this] { Accept(); });
}

BadServer::~BadServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int open : sockets_) shutdown(open, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  accept_thread_.join();
  connection_threads_.clear();
  close(listener_);
  SSL_CTX_free(context_);
}

void BadServer::Accept() {
  for (;;) {
    const int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) return;
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      close(accepted);
      return;
    }
    sockets_.insert(accepted);
    ++connections_;
    ++alive_;
    connection_threads_.emplace_back([this, accepted] { Serve(accepted); });
  }
}

void BadServer::Serve(int socket) {
  SSL* tls = nullptr;
  if (before_tls_) {
    Exchange exchange(*this, socket, nullptr);
    before_tls_(exchange);
  } else {
    tls = SSL_new(context_);
    SSL_set_fd(tls, socket);
    if (SSL_accept(tls) == 1) {
      const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
      {
        const std::lock_guard lock(mutex_);
        last_server_name_ = name == nullptr ? "" : name;
      }
      Exchange exchange(*this, socket, tls);
      script_(exchange);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    sockets_.erase(socket);
    close(socket);
  }
  if (tls != nullptr) SSL_free(tls);
  ERR_clear_error();
  --alive_;
}

std::string BadServer::last_server_name() {
  const std::lock_guard lock(mutex_);
  return last_server_name_;
}

}  // namespace chaos::contract
