#include "injectors/agent/dns_lookup.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "injectors/dns_message.h"
#include "operator/base/random.h"

namespace chaos::inject {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMostServers = 3;

int OpenTo(const Address& address) {
  const int fd =
      socket(address.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(kDnsPort);
  std::memcpy(&in.sin_addr, address.bytes.data(), 4);
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(kDnsPort);
  std::memcpy(&in6.sin6_addr, address.bytes.data(), 16);
  const auto* to =
      address.v6 ? reinterpret_cast<const sockaddr*>(&in6) : reinterpret_cast<const sockaddr*>(&in);
  if (connect(fd, to, address.v6 ? sizeof in6 : sizeof in) == 0) return fd;
  close(fd);
  return -1;
}

std::string Say(const std::string& server, const std::string& what) {
  return "DNS server " + server + ": " + what;
}

void TakeIn(const DnsAnswer& answer, const std::string& server, Found& found) {
  found.addresses.insert(found.addresses.end(), answer.addresses.begin(), answer.addresses.end());
  if (answer.code == 3)
    found.error = Say(server, "the name is not known");
  else if (answer.code != 0)
    found.error = Say(server, "error " + std::to_string(answer.code));
  else if (answer.cut_short)
    found.error = Say(server, "the answer was cut short");
}

}  // namespace

DnsLookup::DnsLookup(Poller& poller, const Resolver& resolver, const std::string& name) {
  for (const std::string& server : resolver.servers) {
    if (servers_.size() == kMostServers) break;
    servers_.push_back({server, -1, {}, {}});
    Ask(poller, servers_.back(), name + "." + resolver.domain);
  }
}

DnsLookup::~DnsLookup() {
  for (const Server& server : servers_) {
    if (server.fd >= 0) close(server.fd);
  }
}

void DnsLookup::Ask(Poller& poller, Server& server, const std::string& name) {
  const Result<Address> address = ParseAddress(server.name);
  if (address) server.fd = OpenTo(*address);
  if (server.fd < 0) {
    server.found.error = Say(server.name, "cannot be asked");
    return;
  }
  poller.WatchReadable(server.fd);
  for (const bool v6 : {false, true}) {
    const auto id = static_cast<std::uint16_t>(std::stoul(SystemEntropy().Hex(2), nullptr, 16));
    std::vector<std::uint8_t> question = DnsQuestion(id, name, v6);
    if (question.empty() || send(server.fd, question.data(), question.size(), 0) < 0)
      server.found.error =
          Say(server.name, question.empty() ? "no such name can be" : std::strerror(errno));
    else
      server.questions[v6 ? 1 : 0] = std::move(question);
  }
}

// What is no answer to a question of ours is as if it had not come.
void DnsLookup::Hear(Server& server) {
  std::array<std::uint8_t, 4096> buffer{};
  while (server.fd >= 0) {
    const ssize_t got = recv(server.fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) {  // such as: refused
      server.found.error = Say(server.name, std::strerror(errno));
      for (std::vector<std::uint8_t>& question : server.questions) question.clear();
      return;
    }
    for (std::vector<std::uint8_t>& question : server.questions) {
      const std::optional<DnsAnswer> answer =
          ReadDnsAnswer({buffer.data(), static_cast<std::size_t>(got)}, question);
      if (!answer) continue;
      TakeIn(*answer, server.name, server.found);
      question.clear();
    }
  }
}

std::optional<Found> DnsLookup::Poll() {
  Found last{{}, "there is no DNS server in /etc/resolv.conf"};
  bool all = true;
  for (Server& server : servers_) {
    Hear(server);
    const bool answered = server.questions[0].empty() && server.questions[1].empty();
    all = all && answered;
    if (answered && server.found.error.empty()) return server.found;
    if (answered) last = server.found;
  }
  if (!all) return std::nullopt;
  return last;
}

}  // namespace chaos::inject
