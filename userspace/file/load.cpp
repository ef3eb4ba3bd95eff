// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "control/desired_checks.h"
#include "file/read.h"

namespace sluice {

namespace {

constexpr size_t bytes_max = size_t{64} << 20;

tl::unexpected<Error> refused(const std::string& path, int error) {
  return tl::unexpected(
      Error{ErrorKind::misused, fmt::format("{}: {}", path, std::strerror(error))});
}

// Of whatever can be read: a file, a pipe.
Result<std::string> read_whole(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refused(path, errno);
  struct stat status {};
  std::string text;
  if (fstat(fd, &status) == 0 && status.st_size > 0 &&
      static_cast<size_t>(status.st_size) <= bytes_max)
    text.reserve(static_cast<size_t>(status.st_size) + 1);
  char block[65536];
  ssize_t got = 0;
  while (text.size() <= bytes_max &&
         ((got = read(fd, block, sizeof(block))) > 0 || (got < 0 && errno == EINTR)))
    if (got > 0) text.append(block, static_cast<size_t>(got));
  const int error = got < 0 ? errno : 0;
  close(fd);
  if (error != 0) return refused(path, error);
  if (text.size() > bytes_max)
    return misused("{}: longer than {} MiB, which no configuration is", path, bytes_max >> 20);
  return text;
}

}  // namespace

Result<FileReading> load_configuration(const std::string& path) {
  const auto text = TRY(read_whole(path));
  FileReading reading = read_configuration(text);
  if (reading.errors.empty()) reading.errors = check_desired(reading.desired);
  return reading;
}

}  // namespace sluice
