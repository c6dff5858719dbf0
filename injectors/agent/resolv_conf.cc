#include "injectors/agent/resolv_conf.h"

#include <sstream>

namespace chaos::inject {

std::vector<std::string> Nameservers(std::string_view resolv_conf) {
  std::vector<std::string> addresses;
  std::istringstream lines{std::string(resolv_conf)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key, address;
    words >> key >> address;
    if (key == "nameserver" && !address.empty()) {
      addresses.push_back(address.substr(0, address.find('%')));
    }
  }
  return addresses;
}

std::string ClusterDomain(std::string_view resolv_conf) {
  constexpr std::string_view kServices = "svc.";
  std::string domain = "cluster.local";
  std::istringstream lines{std::string(resolv_conf)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key != "search") continue;
    for (std::string word; words >> word;) {
      while (word.ends_with('.')) word.pop_back();
      if (word.starts_with(kServices)) domain = word.substr(kServices.size());
    }
  }
  return domain;
}

}  // namespace chaos::inject
