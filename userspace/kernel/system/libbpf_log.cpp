// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/system/libbpf_log.h"

#include <bpf/libbpf.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

#include "kernel/system/system_error.h"

namespace sluice {
namespace {

// The end is kept, because the verifier's reason comes last, after pages of its log.
constexpr size_t kept_bytes = 600;

thread_local std::string kept;

int keep(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 4096> text{};
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
  if (length > 0 && static_cast<size_t>(length) >= text.size()) {
    std::string whole(static_cast<size_t>(length) + 1, '\0');
    std::vsnprintf(whole.data(), whole.size(), format, again);
    kept.append(whole.c_str());
  } else {
    kept.append(text.data());
  }
  va_end(again);
  if (kept.size() > 2 * kept_bytes) kept.erase(0, kept.size() - kept_bytes);
  return 0;
}

}  // namespace

void libbpf_log_capture() {
  libbpf_set_print(keep);
}

std::string libbpf_log_take() {
  std::string raw = std::exchange(kept, {});
  if (raw.size() > kept_bytes) raw.erase(0, raw.size() - kept_bytes);
  std::string line;
  size_t at = 0;
  while (at < raw.size()) {
    const size_t end = std::min(raw.find('\n', at), raw.size());
    std::string_view part(raw.data() + at, end - at);
    if (part.starts_with("libbpf: ")) part.remove_prefix(8);
    if (!part.empty()) {
      if (!line.empty()) line += "; ";
      line += part;
    }
    at = end + 1;
  }
  return line;
}

std::string libbpf_reason(int error) {
  std::string text = error_text(error < 0 ? -error : error);
  if (const std::string said = libbpf_log_take(); !said.empty()) text += " (" + said + ")";
  return text;
}

}  // namespace sluice
