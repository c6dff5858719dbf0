// Netlink messages of nf_tables, built and sent without a library: the few lines that one table
// needs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace chaos::inject {

// A batch of nf_tables messages: the kernel takes all of them or none.
class NftBatch {
 public:
  NftBatch();

  // Starts a message; what is put until the next one belongs to it. `type` is one of NFT_MSG_*.
  void Message(std::uint16_t type, std::uint16_t flags, std::uint8_t family);
  void Put(std::uint16_t type, std::span<const std::uint8_t> bytes);
  void Put(std::uint16_t type, std::string_view text);  // with its NUL
  void Put32(std::uint16_t type, std::uint32_t value);  // big endian, as nf_tables wants it
  void Put64(std::uint16_t type, std::uint64_t value);
  // Whatever `inside` puts is nested in an attribute.
  template <class Inside>
  void Nest(std::uint16_t type, Inside inside) {
    const std::size_t start = OpenNest(type);
    inside();
    CloseNest(start);
  }

  int messages() const { return messages_; }

 private:
  friend class NftSocket;
  void Raw(std::uint16_t type, std::uint16_t flags, std::uint8_t family, std::uint16_t resource);
  void CloseMessage();
  std::size_t OpenNest(std::uint16_t type);
  void CloseNest(std::size_t start);
  void Pad();

  std::vector<std::uint8_t> bytes_;
  std::size_t message_ = 0;  // where the last message starts
  int messages_ = 0;         // without the batch's begin and end
};

// Owns the tables that are made through it: the kernel removes them when it is closed.
class NftSocket {
 public:
  NftSocket() = default;
  NftSocket(const NftSocket&) = delete;
  NftSocket& operator=(const NftSocket&) = delete;
  ~NftSocket();

  // 0 or an errno.
  int Open();
  bool open() const { return fd_ >= 0; }
  void Close();

  struct Outcome {
    int error = 0;     // 0 or the first errno that the kernel answered
    int message = -1;  // which message of the batch it was about, from 0; -1: the batch as a whole
  };
  // Dry: the kernel checks everything and takes it back.
  Outcome Send(NftBatch batch, bool dry);
  // Packets that the named counter of a table of family inet has counted.
  Result<std::uint64_t> ReadCounter(std::string_view table, std::string_view counter);

 private:
  int Receive(std::vector<std::uint8_t>& buffer);

  int fd_ = -1;
  std::uint32_t sequence_ = 1;
};

}  // namespace chaos::inject
