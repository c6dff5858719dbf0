// A directory for one test, removed with it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "operator/base/check.h"

namespace chaos::contract {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "rbee-chaos-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string File(std::string_view name) const { return (path_ / name).string(); }
  // Replaces the file as a whole, as the kubelet does: readers see the old one or the new one.
  void Write(std::string_view name, std::string_view text) const {
    const std::filesystem::path fresh = path_ / ".fresh";
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, path_ / name);
  }
  void Remove(std::string_view name) const { std::filesystem::remove(path_ / name); }

 private:
  std::filesystem::path path_;
};

}  // namespace chaos::contract
