// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/attach_point.h"

#include <bpf/bpf.h>

#include <array>
#include <cstdio>

#include "kernel/system/bpffs.h"
#include "kernel/system/system_error.h"

namespace sluice {
namespace {

constexpr std::array<HookKind, 5> kKinds = {HookKind::native, HookKind::generic, HookKind::tcx,
                                            HookKind::clsact, HookKind::chained};

}  // namespace

std::string_view hook_kind_text(HookKind kind) {
  switch (kind) {
    case HookKind::native:
      return "native";
    case HookKind::generic:
      return "generic";
    case HookKind::tcx:
      return "tcx";
    case HookKind::clsact:
      return "clsact";
    case HookKind::chained:
      return "chained";
  }
  return "unknown";
}

std::string AttachPoint::pin_name() const {
  std::string encoded;
  for (const char c : device) {
    if (c == '.')
      encoded += "%2e";
    else if (c == '%')
      encoded += "%25";
    else
      encoded += c;
  }
  return fmt::format("{}-{}-{}@{}", program, hook_kind_text(kind), encoded, namespace_id);
}

std::optional<AttachPoint> AttachPoint::from_pin_name(const std::string& pin_name) {
  const auto first = pin_name.find('-');
  const auto second = pin_name.find('-', first == std::string::npos ? first : first + 1);
  const auto at = pin_name.rfind('@');
  if (second == std::string::npos || at == std::string::npos || at < second) return std::nullopt;
  AttachPoint point;
  point.program = pin_name.substr(0, first);
  point.namespace_id = pin_name.substr(at + 1);
  const std::string kind = pin_name.substr(first + 1, second - first - 1);
  bool known = false;
  for (const auto candidate : kKinds) {
    if (kind != hook_kind_text(candidate)) continue;
    point.kind = candidate;
    known = true;
  }
  if (!known) return std::nullopt;
  const std::string encoded = pin_name.substr(second + 1, at - second - 1);
  for (size_t i = 0; i < encoded.size(); i++) {
    if (encoded[i] == '%' && i + 2 < encoded.size()) {
      point.device += encoded.compare(i, 3, "%2e") == 0 ? '.' : '%';
      i += 2;
    } else {
      point.device += encoded[i];
    }
  }
  return point;
}

Result<std::vector<AttachPoint>> attach_points(const std::string& links) {
  std::vector<AttachPoint> all;
  if (!directory_exists(links)) return all;
  auto names = TRY(list_directory(links));
  for (const auto& name : names)
    if (auto point = AttachPoint::from_pin_name(name)) all.push_back(*point);
  return all;
}

// Pinned under a temporary name and renamed: an attach point is never without a pin, without which
// it would never be detached.
Result<void> repin(int program_fd, const std::string& links, const AttachPoint& point) {
  const std::string aside = links + "/replacing";
  TRY(remove_pin(aside));
  if (bpf_obj_pin(program_fd, aside.c_str()) != 0)
    return failed("{}: pinning it: {}", aside, error_text(errno));
  const std::string path = links + "/" + point.pin_name();
  if (rename(aside.c_str(), path.c_str()) != 0)
    return failed("{}: renaming it to {}: {}", aside, path, error_text(errno));
  return {};
}

}  // namespace sluice
