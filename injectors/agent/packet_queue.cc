#include "injectors/agent/packet_queue.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

namespace chaos::inject {
namespace {

// From here on, the first that nobody has: most people who use queues count from 0.
constexpr std::uint16_t kFirstNumber = 0xc4a0;
constexpr int kNumbers = 64;
constexpr std::uint32_t kMostPackets = 65536;
constexpr std::uint32_t kHeaderBytes = 40;  // enough to know what it is; the length comes beside it
constexpr std::uint32_t kAllBytes = 0xffff;
constexpr int kReceiveBuffer = 8 << 20;
constexpr int kMostAtOnce = 1024;  // so that what is due does not wait for what comes
constexpr timeval kAnswerWithin{2, 0};

// One message under construction.
class Message {
 public:
  Message(std::uint16_t type, std::uint16_t flags, std::uint16_t queue) {
    bytes_.resize(NLMSG_HDRLEN + sizeof(nfgenmsg));
    nlmsghdr header{};
    header.nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_QUEUE << 8 | type);
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    const nfgenmsg generic{AF_UNSPEC, NFNETLINK_V0, htons(queue)};
    std::memcpy(bytes_.data(), &header, sizeof header);
    std::memcpy(bytes_.data() + NLMSG_HDRLEN, &generic, sizeof generic);
  }
  void Put(std::uint16_t type, const void* data, std::size_t length) {
    const nlattr header{static_cast<std::uint16_t>(NLA_HDRLEN + length), type};
    const std::size_t start = bytes_.size();
    bytes_.resize(start + NLA_ALIGN(NLA_HDRLEN + length));
    std::memcpy(&bytes_[start], &header, sizeof header);
    if (length > 0) std::memcpy(&bytes_[start + NLA_HDRLEN], data, length);
  }
  void Put32(std::uint16_t type, std::uint32_t value) {
    value = htonl(value);
    Put(type, &value, sizeof value);
  }
  bool Send(int fd) {
    const auto length = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(&bytes_[offsetof(nlmsghdr, nlmsg_len)], &length, sizeof length);
    return send(fd, bytes_.data(), bytes_.size(), 0) >= 0;
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

// 0 or the errno that the kernel answered.
int Answer(int fd) {
  std::uint8_t buffer[512];
  while (true) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    nlmsghdr header{};
    int error = 0;
    if (got < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof error)) return EIO;
    std::memcpy(&header, buffer, sizeof header);
    if (header.nlmsg_type != NLMSG_ERROR) continue;
    std::memcpy(&error, buffer + NLMSG_HDRLEN, sizeof error);
    return -error;
  }
}

std::optional<HeldPacket> Read(std::span<const std::uint8_t> attributes, bool content) {
  std::optional<HeldPacket> packet;
  std::span<const std::uint8_t> payload;
  std::uint32_t whole = 0;
  while (attributes.size() >= NLA_HDRLEN) {
    nlattr header{};
    std::memcpy(&header, attributes.data(), sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > attributes.size()) break;
    const auto data = attributes.subspan(NLA_HDRLEN, header.nla_len - NLA_HDRLEN);
    const int type = header.nla_type & NLA_TYPE_MASK;
    if (type == NFQA_PACKET_HDR && data.size() >= sizeof(nfqnl_msg_packet_hdr)) {
      nfqnl_msg_packet_hdr head{};
      std::memcpy(&head, data.data(), sizeof head);
      packet.emplace();
      packet->id = ntohl(head.packet_id);
      packet->outgoing = head.hook == NF_INET_LOCAL_OUT;
    } else if (type == NFQA_PAYLOAD) {
      payload = data;
    } else if (type == NFQA_CAP_LEN && data.size() == sizeof whole) {
      std::memcpy(&whole, data.data(), sizeof whole);
      whole = ntohl(whole);
    }
    attributes =
        attributes.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), attributes.size()));
  }
  if (!packet) return packet;
  packet->bytes = whole != 0 ? whole : static_cast<std::uint32_t>(payload.size());
  if (content && whole == 0) packet->content.assign(payload.begin(), payload.end());
  return packet;
}

}  // namespace

int PacketQueue::Bind(std::uint16_t number, bool content) {
  Message bind(NFQNL_MSG_CONFIG, NLM_F_ACK, number);
  const nfqnl_msg_config_cmd command{NFQNL_CFG_CMD_BIND, 0, htons(AF_UNSPEC)};
  bind.Put(NFQA_CFG_CMD, &command, sizeof command);
  const nfqnl_msg_config_params parameters{htonl(content ? kAllBytes : kHeaderBytes),
                                           NFQNL_COPY_PACKET};
  bind.Put(NFQA_CFG_PARAMS, &parameters, sizeof parameters);
  bind.Put32(NFQA_CFG_QUEUE_MAXLEN, kMostPackets);
  // Without NFQA_CFG_F_GSO each packet comes as it goes over the wire, with its checksum: what
  // happens to one of 64 KiB would happen to forty at once.
  bind.Put32(NFQA_CFG_FLAGS, NFQA_CFG_F_FAIL_OPEN);
  bind.Put32(NFQA_CFG_MASK, NFQA_CFG_F_FAIL_OPEN);
  return bind.Send(fd_) ? Answer(fd_) : errno;
}

Result<std::uint16_t> PacketQueue::Open(bool content) {
  Close();
  content_ = content;
  fd_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  int error = fd_ < 0 ? errno : 0;
  if (error == 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kAnswerWithin, sizeof kAnswerWithin);
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    const int one = 1;  // what does not fit passes, by FAIL_OPEN: we need not hear of it
    setsockopt(fd_, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one);
    // Somebody else's queue and a missing capability are the same errno.
    error = EPERM;
    for (int i = 0; i < kNumbers && (error == EPERM || error == EBUSY); ++i) {
      number_ = static_cast<std::uint16_t>(kFirstNumber + i);
      error = Bind(number_, content);
    }
  }
  if (error == 0) {
    poller_.WatchReadable(fd_);
    return number_;
  }
  Close();
  return Error{Reason::kDenied,
               error == EPERM ? std::string("the capability NET_ADMIN is missing, so packets "
                                            "cannot be held")
                              : std::string("this node's kernel holds no packets for a program "
                                            "(nfnetlink_queue): ") +
                                    std::strerror(error)};
}

std::vector<HeldPacket> PacketQueue::Take() {
  std::vector<HeldPacket> packets;
  if (fd_ < 0) return packets;
  buffer_.resize(std::size_t{128} << 10);
  for (int i = 0; i < kMostAtOnce; ++i) {
    const ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
    if (got <= 0) break;
    auto rest = std::span<const std::uint8_t>(buffer_).first(static_cast<std::size_t>(got));
    while (rest.size() >= NLMSG_HDRLEN + sizeof(nfgenmsg)) {
      nlmsghdr header{};
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < NLMSG_HDRLEN + sizeof(nfgenmsg) || header.nlmsg_len > rest.size())
        break;
      if (header.nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)) {
        const auto attributes =
            rest.first(header.nlmsg_len).subspan(NLMSG_HDRLEN + sizeof(nfgenmsg));
        if (std::optional<HeldPacket> packet = Read(attributes, content_))
          packets.push_back(std::move(*packet));
      }
      rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    }
  }
  return packets;
}

void PacketQueue::Decide(std::uint32_t id, std::uint32_t verdict,
                         std::span<const std::uint8_t> content) {
  if (fd_ < 0) return;
  Message message(NFQNL_MSG_VERDICT, 0, number_);
  const nfqnl_msg_verdict_hdr header{htonl(verdict), htonl(id)};
  message.Put(NFQA_VERDICT_HDR, &header, sizeof header);
  if (!content.empty()) message.Put(NFQA_PAYLOAD, content.data(), content.size());
  message.Send(fd_);
}

void PacketQueue::Pass(std::uint32_t id) { Decide(id, NF_ACCEPT, {}); }
void PacketQueue::PassChanged(std::uint32_t id, const std::vector<std::uint8_t>& content) {
  Decide(id, NF_ACCEPT, content);
}
void PacketQueue::Drop(std::uint32_t id) { Decide(id, NF_DROP, {}); }

void PacketQueue::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace chaos::inject
