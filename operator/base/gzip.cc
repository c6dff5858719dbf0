#include "operator/base/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "operator/base/check.h"

namespace chaos {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 16: with a gzip header
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Bytef* Input(std::string_view data) {  // zlib does not write to it
  return reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
}

}  // namespace

std::string Gzip(std::string_view data) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 9, Z_DEFAULT_STRATEGY) ==
        Z_OK);
  std::string out(deflateBound(&stream, data.size()) + 32, '\0');
  stream.next_in = Input(data);
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> Gunzip(std::string_view data, std::size_t limit) {
  z_stream stream{};
  CHECK(inflateInit2(&stream, kGzipWindow) == Z_OK);
  std::string out(limit, '\0');
  stream.next_in = Input(data);
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  if (end != Z_STREAM_END) return Invalid("not gzip, or larger than it may be");
  return out;
}

std::string Base64(std::string_view data) {
  std::string text;
  text.reserve((data.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, data.size() - i);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < n ? static_cast<unsigned char>(data[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= n ? kDigits[bits >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

Result<std::string> FromBase64(std::string_view text) {
  const Error wrong = Invalid("not base64");
  if (text.size() % 4 != 0) return wrong;
  std::string data;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    unsigned bits = 0;
    std::size_t padding = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const bool last = i + 4 == text.size();
      const std::size_t digit = kDigits.find(text[i + k]);
      if (digit == std::string_view::npos && !(text[i + k] == '=' && last && k >= 2)) return wrong;
      if (digit != std::string_view::npos && padding > 0) return wrong;
      padding += digit == std::string_view::npos;
      bits = bits << 6 | (digit == std::string_view::npos ? 0U : static_cast<unsigned>(digit));
    }
    for (std::size_t k = 0; k + padding < 3; ++k)
      data += static_cast<char>(bits >> (16 - 8 * k) & 255U);
  }
  return data;
}

}  // namespace chaos
