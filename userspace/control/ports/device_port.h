// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What control asks of the devices of one instance. userspace/kernel implements it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/component.h"
#include "support/result.h"

namespace sluice {

// The settings of a device that sluice made.
struct Egress {
  bool fq = false;
  std::optional<uint32_t> gso_max_segs;

  friend bool operator==(const Egress&, const Egress&) = default;
};

struct EgressReport {
  std::vector<std::string> changes;  // sentences: what was done, or would be
  std::vector<std::string> notes;    // sentences: what was not done, and why
};

struct Attachment {
  Component component{};
  std::string device;
  std::string mode;          // "native", "generic", "tcx", "clsact", "chained"
  bool here = true;          // false: in another network namespace
  bool gone = false;         // the device no longer exists
  std::string namespace_id;  // inode number of the network namespace
  bool departs = false;      // pace: packets get departure times, because the qdisc was fq
  Egress egress{};           // pace, in this namespace: the settings of the device made by sluice
};

struct AttachReport {
  bool already = false;
  Attachment attachment;
  std::vector<std::string> changes;  // of the device itself; also if it was attached already
  std::vector<std::string> notes;    // sentences for the operator: fell back to generic, no fq
};

struct DetachReport {
  bool detached = false;  // false: it was not attached
  EgressReport egress;
};

class DevicePort {
 public:
  DevicePort() = default;
  virtual ~DevicePort() = default;
  DevicePort(const DevicePort&) = delete;
  DevicePort& operator=(const DevicePort&) = delete;

  // In this network namespace.
  [[nodiscard]] virtual bool exists(const std::string& device) = 0;
  virtual Result<std::vector<Attachment>> attachments() = 0;
  // Device settings that `settings` leaves out stay unchanged.
  virtual Result<AttachReport> attach(Component component, const std::string& device,
                                      const AttachSettings& settings) = 0;
  virtual Result<DetachReport> detach(Component component, const std::string& device) = 0;
  // The changes of the device that attach() would make.
  virtual Result<EgressReport> show_egress(const std::string& device,
                                           const AttachSettings& settings) = 0;
  // Reverts the device to earlier settings of an Attachment.
  virtual Result<void> restore_egress(const std::string& device, const Egress& before) = 0;
};

}  // namespace sluice
