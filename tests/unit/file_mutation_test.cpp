// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Damaged configuration files: thousands of mutations of good and broken files, from a fixed seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "file/keys.h"
#include "unit/support/file_property.h"

namespace sluice::test {
namespace {

const std::filesystem::path source(SLUICE_SOURCE_DIR);

class Mutator {
 public:
  Mutator() {
    std::vector<std::filesystem::path> paths = {source / "docs/examples/sluice.yaml"};
    for (const auto& entry : std::filesystem::directory_iterator(source / "tests/unit/broken"))
      if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
    std::sort(paths.begin() + 1, paths.end());
    for (const auto& path : paths) {
      std::ifstream stream(path);
      std::stringstream text;
      text << stream.rdbuf();
      files_.push_back(text.str());
    }
    for (const FileSection* section : file_sections())
      for (const std::string_view key : section->keys) words_.push_back(std::string(key) + ": ");
    for (const char* word : {"\n",
                             "\n  ",
                             "{",
                             "}",
                             "[",
                             "]",
                             ", ",
                             "- ",
                             "'",
                             "\"",
                             "#",
                             "&a ",
                             "*a",
                             "!!int ",
                             "---\n",
                             "|\n",
                             ">-\n",
                             "~",
                             "\t",
                             "\\x00",
                             "0",
                             "-1",
                             "99999999999999999999",
                             "::",
                             "/0",
                             "/tcp",
                             "1e9gbit",
                             "\xff",
                             "\xef\xbb\xbf"})
      words_.emplace_back(word);
    words_.emplace_back(1, '\0');
  }

  std::string next() {
    std::string text = one_of(files_);
    for (size_t left = 1 + below(4); left > 0; left--) mutate(text);
    return text;
  }

 private:
  size_t below(size_t n) { return n == 0 ? 0 : random_() % n; }
  const std::string& one_of(const std::vector<std::string>& all) { return all[below(all.size())]; }

  void mutate(std::string& text) {
    const size_t at = below(text.size() + 1);
    const size_t length = std::min(below(40), text.size() - at);
    switch (below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(below(text.size() + 1), text.substr(at, length));
        break;
      case 3:
        text.insert(at, one_of(words_));
        break;
      case 4:
        text.replace(at, length, one_of(words_));
        break;
      default: {
        const std::string& other = one_of(files_);
        text = text.substr(0, at) + other.substr(below(other.size() + 1));
      }
    }
  }

  std::vector<std::string> files_;
  std::vector<std::string> words_;
  std::mt19937_64 random_{1};
};

TEST(FileMutation, EveryTextIsReadOrRefusedWithPositionAndReason) {
  Mutator mutator;
  for (int count = 0; count < 20000; count++) {
    const std::string text = mutator.next();
    ASSERT_EQ(file_complaint(text), "") << "of mutation " << count << ":\n" << text;
  }
}

}  // namespace
}  // namespace sluice::test
