// A small grammar on purpose: what is not surely right is refused.
#include "injectors/load/url.h"

#include <algorithm>
#include <charconv>

namespace chaos::load {
namespace {

constexpr std::size_t kMaxUrl = 2048;

bool IsTargetChar(char c) {
  return c > ' ' && c != 0x7f && c != '#' && c != '\\' && c != '"' && c != '<' && c != '>';
}

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool IsIpv6Char(char c) {
  return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' ||
         c == '.';
}

Error Bad(std::string_view text, const std::string& why) {
  std::string shown(text.substr(0, 80));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return Invalid("\"" + shown + "\" is not a URL that can be probed: " + why);
}

}  // namespace

std::string Url::Authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  std::string text = v6 ? "[" + host + "]" : host;
  if (port != 80) text += ":" + std::to_string(port);
  return text;
}

std::string Url::Print() const { return "http://" + Authority() + target; }

Result<Url> ParseUrl(std::string_view whole) {
  std::string_view text = whole;
  if (text.size() > kMaxUrl) return Bad(text, "it is longer than 2048 bytes");
  if (text.starts_with("https://")) return Bad(text, "https is not supported yet, write http://");
  if (!text.starts_with("http://")) return Bad(text, "it must begin with http://");
  text.remove_prefix(7);
  const std::size_t slash = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, slash);
  Url url;
  url.target = text.substr(slash);
  if (url.target.empty() || url.target[0] != '/') url.target.insert(0, "/");
  if (!std::all_of(url.target.begin(), url.target.end(), IsTargetChar)) {
    return Bad(whole, "its path has a character that must be written as %XX, or a #fragment");
  }
  if (authority.find('@') != std::string_view::npos)
    return Bad(whole, "user names do not belong into it");
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos)
      return Bad(whole, "the bracket after the IPv6 address is missing");
    url.host = authority.substr(1, end - 1);
    has_port = end + 1 < authority.size();
    if (has_port && authority[end + 1] != ':')
      return Bad(whole, "only :port may follow the IPv6 address");
    if (has_port) port = authority.substr(end + 2);
    if (url.host.find(':') == std::string::npos ||
        !std::all_of(url.host.begin(), url.host.end(), IsIpv6Char)) {
      return Bad(whole, "what is in the brackets is not an IPv6 address");
    }
  } else {
    const std::size_t colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    url.host = authority.substr(0, colon);
    if (has_port) port = authority.substr(colon + 1);
    if (!std::all_of(url.host.begin(), url.host.end(), IsNameChar))
      return Bad(whole, "its host is not a name");
  }
  if (url.host.empty() || url.host.size() > 253)
    return Bad(whole, "its host is missing or too long");
  if (!has_port) return url;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc() || end != port.data() + port.size() || url.port == 0) {
    return Bad(whole, "its port must be 1 to 65535");
  }
  return url;
}

Result<Url> Follow(const Url& base, std::string_view reference) {
  if (reference.starts_with('/') && !reference.starts_with("//")) {
    return ParseUrl("http://" + base.Authority() + std::string(reference));
  }
  Result<Url> url = ParseUrl(reference);
  if (!url) return url;
  if (url->host != base.host || url->port != base.port) {
    return Bad(reference, "it leads away from " + base.Authority());
  }
  return url;
}

}  // namespace chaos::load
