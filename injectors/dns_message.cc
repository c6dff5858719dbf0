#include "injectors/dns_message.h"

#include <algorithm>
#include <cctype>

namespace chaos::inject {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMostName = 253, kMostLabel = 63;
constexpr std::uint16_t kTypeA = 1, kTypeAaaa = 28, kTypeOpt = 41, kClassIn = 1;
constexpr std::uint16_t kRecursionDesired = 0x0100, kIsAnswer = 0x8000, kCutShort = 0x0200;
constexpr std::uint16_t kMostAnswer = 4096;  // bytes; about 250 addresses
constexpr std::size_t kOpt = 11;             // at the end of our questions

void Put16(std::vector<std::uint8_t>& bytes, std::uint16_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

// Reads on from a place, and is broken for good once it has come behind the end.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, std::size_t at) : bytes_(bytes), at_(at) {}
  bool ok() const { return at_ <= bytes_.size(); }
  std::uint16_t Take16() {
    const std::span<const std::uint8_t> two = Take(2);
    return two.empty() ? 0 : static_cast<std::uint16_t>(two[0] << 8 | two[1]);
  }
  std::span<const std::uint8_t> Take(std::size_t count) {
    const std::size_t from = at_;
    at_ = ok() && count <= bytes_.size() - at_ ? at_ + count : bytes_.size() + 1;
    return ok() ? bytes_.subspan(from, count) : std::span<const std::uint8_t>();
  }
  // Labels, and at most one pointer to where the rest of them is.
  void SkipName() {
    while (ok()) {
      const std::span<const std::uint8_t> length = Take(1);
      if (length.empty() || length[0] == 0) return;
      if (length[0] >= 0xc0) return (void)Take(1);
      Take(length[0]);
    }
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_;
};

bool SameText(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](std::uint8_t x, std::uint8_t y) {
    return std::tolower(x) == std::tolower(y);
  });
}

}  // namespace

std::vector<std::uint8_t> DnsQuestion(std::uint16_t id, std::string_view name, bool v6) {
  if (name.empty() || name.size() > kMostName) return {};
  std::vector<std::uint8_t> bytes;
  for (const std::uint16_t word : {id, kRecursionDesired, std::uint16_t{1}, std::uint16_t{0},
                                   std::uint16_t{0}, std::uint16_t{1}})
    Put16(bytes, word);
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('.'), name.size());
    if (end == 0 || end > kMostLabel) return {};
    bytes.push_back(static_cast<std::uint8_t>(end));
    bytes.insert(bytes.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  bytes.push_back(0);
  Put16(bytes, v6 ? kTypeAaaa : kTypeA);
  Put16(bytes, kClassIn);
  bytes.push_back(0);  // OPT: how much may be answered
  Put16(bytes, kTypeOpt);
  Put16(bytes, kMostAnswer);
  bytes.insert(bytes.end(), 6, 0);
  return bytes;
}

std::optional<DnsAnswer> ReadDnsAnswer(std::span<const std::uint8_t> message,
                                       std::span<const std::uint8_t> question) {
  if (question.size() < kHeader + kOpt) return std::nullopt;
  const std::span<const std::uint8_t> asked =
      question.subspan(kHeader, question.size() - kHeader - kOpt);
  Reader reader(message, 0);
  const std::span<const std::uint8_t> id = reader.Take(2);
  const std::uint16_t flags = reader.Take16();
  const std::uint16_t questions = reader.Take16();
  const std::uint16_t answers = reader.Take16();
  reader.Take(4);
  const std::span<const std::uint8_t> echo = reader.Take(asked.size());
  const bool ours = reader.ok() && std::equal(id.begin(), id.end(), question.begin()) &&
                    (flags & kIsAnswer) != 0 && questions == 1 && SameText(echo, asked);
  if (!ours) return std::nullopt;
  DnsAnswer answer;
  answer.code = flags & 0xf;
  answer.cut_short = (flags & kCutShort) != 0;
  const std::uint16_t wanted = Reader(question, question.size() - kOpt - 4).Take16();
  for (int i = 0; i < answers; ++i) {
    reader.SkipName();
    const std::uint16_t type = reader.Take16();
    const std::uint16_t in = reader.Take16();
    reader.Take(4);  // how long it may be kept
    const std::span<const std::uint8_t> data = reader.Take(reader.Take16());
    if (!reader.ok()) {
      if (answer.cut_short) break;
      return std::nullopt;
    }
    Address address;
    address.v6 = wanted == kTypeAaaa;
    if (type != wanted || in != kClassIn || data.size() != address.size()) continue;
    std::copy(data.begin(), data.end(), address.bytes.begin());
    answer.addresses.push_back(address);
  }
  return answer;
}

}  // namespace chaos::inject
