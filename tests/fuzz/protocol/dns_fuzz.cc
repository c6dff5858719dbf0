// Any bytes as the answer to a question: none, or addresses of the family that was asked for.
#include <cstdlib>

#include "injectors/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace chaos::inject;
  if (size < 1 || size > 4096) return 0;
  const bool v6 = (data[0] & 1) != 0;
  const std::vector<std::uint8_t> question =
      DnsQuestion(0x5262, "peers.rbee.svc.cluster.local", v6);
  // Most of what a fuzzer finds would stop at the question: it is put in front.
  std::vector<std::uint8_t> message(data + 1, data + size);
  if ((data[0] & 2) != 0) {
    message.assign(question.begin(), question.end() - 11);
    message[2] = 0x85;
    message[7] = data[0] >> 2;
    message.insert(message.end(), data + 1, data + size);
  }
  const std::optional<DnsAnswer> answer = ReadDnsAnswer(message, question);
  if (!answer) return 0;
  for (const Address& address : answer->addresses) {
    if (address.v6 != v6) std::abort();
  }
  return 0;
}
