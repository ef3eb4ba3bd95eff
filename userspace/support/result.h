// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A function that can fail returns Result<T>: a value, or an Error that says what, which and why.
// TRY passes an error on in one line. Result is tl::expected, because std::expected is C++23.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sluice {

// Also the exit status of the command: 1 failed, 2 misused.
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

namespace detail {

// The value of a result that has one. Result<void> has none.
inline void take_value(Result<void>&&) {}
template <typename T>
T take_value(Result<T>&& result) {
  return std::move(*result);
}

}  // namespace detail

}  // namespace sluice

// TRY(result): the value of the result. If it is an error, the enclosing function, which returns a
// Result itself, returns that error.
//   const Service service = TRY(find_service(name));
//   TRY(put_service(service));
// A statement expression, which g++ and clang both have: C++ itself cannot return from inside an
// expression. Each expansion gets its own name, because uses can be nested.
#define TRY(...) SLUICE_TRY_AS(SLUICE_TRY_NAME(__COUNTER__), __VA_ARGS__)
#define SLUICE_TRY_NAME(number) SLUICE_TRY_JOIN(sluice_try_, number)
#define SLUICE_TRY_JOIN(a, b) a##b
#define SLUICE_TRY_AS(name, ...)                               \
  __extension__({                                              \
    auto name = (__VA_ARGS__);                                 \
    if (!name) return tl::unexpected(std::move(name).error()); \
    ::sluice::detail::take_value(std::move(name));             \
  })
