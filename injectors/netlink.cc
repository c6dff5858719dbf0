#include "injectors/netlink.h"

#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace chaos::inject {
namespace {

constexpr timeval kAnswerWithin{2, 0};
constexpr int kSendBuffer = 8 << 20;  // a batch must fit: 100 bytes for each element

std::uint16_t NftType(std::uint16_t type) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
}

// The payload of the attribute `type` in a run of attributes; empty when it is not there.
std::span<const std::uint8_t> FindAttribute(std::span<const std::uint8_t> attributes,
                                            std::uint16_t type) {
  while (attributes.size() >= sizeof(nlattr)) {
    nlattr header{};
    std::memcpy(&header, attributes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > attributes.size()) return {};
    if ((header.nla_type & NLA_TYPE_MASK) == type) {
      return attributes.subspan(sizeof header, header.nla_len - sizeof header);
    }
    attributes =
        attributes.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), attributes.size()));
  }
  return {};
}

}  // namespace

NftBatch::NftBatch() { Raw(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES); }

void NftBatch::Raw(std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                   std::uint16_t resource) {
  CloseMessage();
  message_ = bytes_.size();
  bytes_.resize(message_ + NLMSG_HDRLEN + sizeof(nfgenmsg));
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  const nfgenmsg generic{family, NFNETLINK_V0, htobe16(resource)};
  std::memcpy(&bytes_[message_], &header, sizeof header);
  std::memcpy(&bytes_[message_ + NLMSG_HDRLEN], &generic, sizeof generic);
}

void NftBatch::CloseMessage() {
  if (bytes_.empty()) return;
  const auto length = static_cast<std::uint32_t>(bytes_.size() - message_);
  std::memcpy(&bytes_[message_ + offsetof(nlmsghdr, nlmsg_len)], &length, sizeof length);
}

void NftBatch::Message(std::uint16_t type, std::uint16_t flags, std::uint8_t family) {
  Raw(NftType(type), NLM_F_REQUEST | flags, family, 0);
  ++messages_;
}

void NftBatch::Put(std::uint16_t type, std::span<const std::uint8_t> bytes) {
  const std::size_t start = OpenNest(type);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  CloseNest(start);
  bytes_[start + offsetof(nlattr, nla_type) + 1] &= static_cast<std::uint8_t>(~(NLA_F_NESTED >> 8));
}

void NftBatch::Put(std::uint16_t type, std::string_view text) {
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.push_back(0);
  Put(type, std::span<const std::uint8_t>(bytes));
}

void NftBatch::Put32(std::uint16_t type, std::uint32_t value) {
  std::uint8_t bytes[sizeof value];
  const std::uint32_t big = htobe32(value);
  std::memcpy(bytes, &big, sizeof big);
  Put(type, std::span<const std::uint8_t>(bytes));
}

void NftBatch::Put64(std::uint16_t type, std::uint64_t value) {
  std::uint8_t bytes[sizeof value];
  const std::uint64_t big = htobe64(value);
  std::memcpy(bytes, &big, sizeof big);
  Put(type, std::span<const std::uint8_t>(bytes));
}

std::size_t NftBatch::OpenNest(std::uint16_t type) {
  const std::size_t start = bytes_.size();
  const nlattr header{0, static_cast<std::uint16_t>(type | NLA_F_NESTED)};
  bytes_.resize(start + sizeof header);
  std::memcpy(&bytes_[start], &header, sizeof header);
  return start;
}

void NftBatch::CloseNest(std::size_t start) {
  const std::size_t length = bytes_.size() - start;
  CHECK(length <= UINT16_MAX);
  const auto narrow = static_cast<std::uint16_t>(length);
  std::memcpy(&bytes_[start + offsetof(nlattr, nla_len)], &narrow, sizeof narrow);
  Pad();
}

void NftBatch::Pad() { bytes_.resize(NLA_ALIGN(bytes_.size())); }

NftSocket::~NftSocket() { Close(); }

int NftSocket::Open() {
  fd_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd_ < 0) return errno;
  sockaddr_nl any{};
  any.nl_family = AF_NETLINK;
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) < 0) {
    const int error = errno;
    Close();
    return error;
  }
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kAnswerWithin, sizeof kAnswerWithin);
  setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);
  return 0;
}

void NftSocket::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

int NftSocket::Receive(std::vector<std::uint8_t>& buffer) {
  buffer.resize(std::size_t{64} << 10);
  ssize_t got = 0;
  do {  // being stopped and continued interrupts a receive with a time limit
    got = recv(fd_, buffer.data(), buffer.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
  buffer.resize(static_cast<std::size_t>(got));
  return 0;
}

// Without its end the kernel treats a batch as a question: everything is checked, nothing stays.
NftSocket::Outcome NftSocket::Send(NftBatch batch, bool dry) {
  const std::size_t last = batch.message_;
  if (!dry) batch.Raw(NFNL_MSG_BATCH_END, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  batch.CloseMessage();
  // Errors always come; one wanted answer, to the last message, says that all answers have come.
  std::vector<std::uint8_t>& bytes = batch.bytes_;
  const std::uint32_t first_sequence = sequence_;
  for (std::size_t at = 0; at < bytes.size();) {
    nlmsghdr header{};
    std::memcpy(&header, &bytes[at], sizeof header);
    header.nlmsg_seq = sequence_++;
    if (at == last) header.nlmsg_flags |= NLM_F_ACK;
    std::memcpy(&bytes[at], &header, sizeof header);
    at += header.nlmsg_len;
  }
  if (send(fd_, bytes.data(), bytes.size(), 0) < 0) return {errno, -1};

  const auto last_sequence = first_sequence + static_cast<std::uint32_t>(batch.messages_);
  Outcome outcome;
  std::vector<std::uint8_t> buffer;
  while (true) {
    if (const int error = Receive(buffer); error != 0) return {error, -1};
    for (std::size_t at = 0; at + NLMSG_HDRLEN + sizeof(int) <= buffer.size();) {
      nlmsghdr header{};
      std::memcpy(&header, &buffer[at], sizeof header);
      if (header.nlmsg_len < NLMSG_HDRLEN) break;
      const bool ours = header.nlmsg_seq >= first_sequence && header.nlmsg_seq <= last_sequence;
      if (header.nlmsg_type == NLMSG_ERROR && ours) {
        int error = 0;
        std::memcpy(&error, &buffer[at + NLMSG_HDRLEN], sizeof error);
        const int message = static_cast<int>(header.nlmsg_seq - first_sequence) - 1;
        if (error != 0 && outcome.error == 0) outcome = {-error, message};
        if (message == -1 || header.nlmsg_seq == last_sequence) return outcome;
      }
      at += NLMSG_ALIGN(header.nlmsg_len);
    }
  }
}

Result<std::uint64_t> NftSocket::ReadCounter(std::string_view table, std::string_view counter) {
  NftBatch request;
  request.bytes_.clear();
  request.Message(NFT_MSG_GETOBJ, 0, NFPROTO_INET);
  request.Put(NFTA_OBJ_TABLE, table);
  request.Put(NFTA_OBJ_NAME, counter);
  request.Put32(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
  request.CloseMessage();
  const std::uint32_t sequence = sequence_++;
  std::memcpy(&request.bytes_[offsetof(nlmsghdr, nlmsg_seq)], &sequence, sizeof sequence);
  if (send(fd_, request.bytes_.data(), request.bytes_.size(), 0) < 0) {
    return Error{Reason::kUnavailable, std::string("netlink: ") + std::strerror(errno)};
  }
  std::vector<std::uint8_t> buffer;
  while (true) {
    if (const int error = Receive(buffer); error != 0) {
      return Error{Reason::kUnavailable, std::string("netlink: ") + std::strerror(error)};
    }
    nlmsghdr header{};
    if (buffer.size() < sizeof header) continue;
    std::memcpy(&header, buffer.data(), sizeof header);
    if (header.nlmsg_seq != sequence) continue;
    if (header.nlmsg_type != NftType(NFT_MSG_NEWOBJ)) {
      return Error{Reason::kNotFound, "the kernel has no counter of this table"};
    }
    const std::size_t start = NLMSG_HDRLEN + sizeof(nfgenmsg);
    const std::span<const std::uint8_t> all(buffer);
    const auto data = FindAttribute(all.subspan(std::min(start, all.size())), NFTA_OBJ_DATA);
    const auto packets = FindAttribute(data, NFTA_COUNTER_PACKETS);
    std::uint64_t value = 0;
    if (packets.size() != sizeof value) return Invalid("the kernel's counter has no packets");
    std::memcpy(&value, packets.data(), sizeof value);
    return be64toh(value);
  }
}

}  // namespace chaos::inject
