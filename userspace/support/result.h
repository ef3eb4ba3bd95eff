// What can fail returns Result<T>: a value, or an Error that says what, which and why.
// The carrier is tl::expected, which becomes std::expected once the compilers we support have it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sluice {

// Whose fault it is, which is also the exit status of the command: 1 failed, 2 misused.
enum class ErrorKind { failed = 1, misused = 2 };

// One sentence, without a final full stop, that names what, which, why and, where there is one,
// the next command to try.
struct Error {
  ErrorKind kind = ErrorKind::failed;
  std::string text;
};

template <typename T>
using Result = tl::expected<T, Error>;

template <typename... Args>
[[nodiscard]] tl::unexpected<Error> failed(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected(Error{ErrorKind::failed, fmt::format(format, std::forward<Args>(args)...)});
}

template <typename... Args>
[[nodiscard]] tl::unexpected<Error> misused(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected(
      Error{ErrorKind::misused, fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace sluice
