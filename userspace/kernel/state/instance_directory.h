// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An instance as a directory of pins in bpffs. It holds no lock and opens nothing by itself.
//   NAME/           maps
//   NAME/programs/  programs, and the maps that belong to one version of them
//   NAME/links/     attachments: links, and pins that stand for clsact and libxdp attachments
//   NAME/next/      programs of an upgrade that is under way
#pragma once

#include <cstdint>
#include <string>

#include "kernel/system/fd.h"
#include "sluice/limits.h"
#include "support/result.h"

namespace sluice {

// Capacities, fixed when the instance is created.
struct InstanceLimits {
  uint32_t services = SLUICE_SERVICES_DEFAULT;
  uint32_t backends = SLUICE_BACKENDS_DEFAULT;
  uint32_t flows = SLUICE_FLOWS_DEFAULT;
};

class InstanceDirectory {
 public:
  // The instance need not exist.
  static InstanceDirectory of(const std::string& name);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }  // /sys/fs/bpf/NAME
  [[nodiscard]] std::string links() const { return directory_ + "/links"; }
  [[nodiscard]] std::string programs() const { return directory_ + "/programs"; }
  [[nodiscard]] std::string next_programs() const { return directory_ + "/next"; }

  // A pinned program: "steer", "decap", "punt", "pace_egress" ...
  [[nodiscard]] Result<Fd> program(const std::string& program) const;
  // Read from the instance's maps.
  [[nodiscard]] Result<InstanceLimits> limits() const;

 protected:
  InstanceDirectory(std::string name, std::string directory)
      : name_(std::move(name)), directory_(std::move(directory)) {}

 private:
  std::string name_;
  std::string directory_;
};

}  // namespace sluice
