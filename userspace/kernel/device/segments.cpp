// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/segments.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "kernel/system/bpffs.h"
#include "kernel/system/netlink.h"
#include "kernel/system/routes.h"
#include "model/decimal.h"

namespace sluice {
namespace {

using Message = std::unique_ptr<nl_msg, void (*)(nl_msg*)>;

std::string segments_of(const std::string& directory) {
  return directory + "/segments";
}

struct Record {
  uint32_t ifindex = 0;
  uint32_t before = 0;
  uint32_t now = 0;
  std::string namespace_id;

  [[nodiscard]] std::string name() const {
    return fmt::format("{}-{}-{}@{}", ifindex, before, now, namespace_id);
  }
  static std::optional<Record> from_name(std::string_view name) {
    Record record;
    const std::array<std::pair<char, uint32_t*>, 3> numbers{
        {{'-', &record.ifindex}, {'-', &record.before}, {'@', &record.now}}};
    for (const auto& [end, number] : numbers) {
      const size_t length = name.find(end);
      if (length == std::string_view::npos) return std::nullopt;
      const auto value = parse_decimal(name.substr(0, length), UINT32_MAX);
      if (!value) return std::nullopt;
      *number = static_cast<uint32_t>(*value);
      name.remove_prefix(length + 1);
    }
    record.namespace_id = name;
    return record;
  }
};

// The records of this network namespace.
Result<std::vector<Record>> records(const std::string& directory) {
  std::vector<Record> all;
  if (!directory_exists(segments_of(directory))) return all;
  auto names = TRY(list_directory(segments_of(directory)));
  for (const auto& name : names) {
    auto record = Record::from_name(name);
    if (record && record->namespace_id == network_namespace_id()) all.push_back(std::move(*record));
  }
  return all;
}

Result<std::vector<Record>> records_of(const std::string& directory, uint32_t ifindex) {
  auto all = records(directory);
  if (all) std::erase_if(*all, [&](const Record& each) { return each.ifindex != ifindex; });
  return all;
}

Result<void> purge_record(const std::string& directory, const Record& record) {
  return remove_tree(segments_of(directory) + "/" + record.name());
}

Result<void> purge_gone_devices(const std::string& directory) {
  auto all = TRY(records(directory));
  for (const Record& each : all) {
    std::array<char, IF_NAMESIZE> name{};
    if (if_indextoname(each.ifindex, name.data()) != nullptr) continue;
    TRY(purge_record(directory, each));
  }
  return {};
}

Message link_message(int type, uint32_t ifindex) {
  Message message(nlmsg_alloc_simple(type, 0), nlmsg_free);
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(ifindex);
  if (message && nlmsg_append(message.get(), &link, sizeof(link), NLMSG_ALIGNTO) != 0)
    message.reset();
  return message;
}

// libnl 3.7's type of a device has neither attribute. Kernels before 5.19 report no bound of the
// driver (commit 14d7b8122fd5) and accept any value.
Result<SegmentLimit> read_limit(const std::string& device, uint32_t ifindex) {
  auto netlink = TRY(open_netlink());
  SegmentLimit limit;
  const auto take = [](nl_msg* message, void* context) {
    auto& into = *static_cast<SegmentLimit*>(context);
    const auto* header = nlmsg_hdr(message);
    const auto number = [&](int attribute, uint32_t& value) {
      const nlattr* found =
          nlmsg_find_attr(const_cast<nlmsghdr*>(header), sizeof(ifinfomsg), attribute);
      if (found != nullptr) value = nla_get_u32(found);
    };
    number(IFLA_GSO_MAX_SEGS, into.packets);
    number(IFLA_TSO_MAX_SEGS, into.driver);
    into.driver = std::min(into.driver, kGsoMaxSegs);
    return static_cast<int>(NL_OK);
  };
  nl_socket_modify_cb(netlink.get(), NL_CB_VALID, NL_CB_CUSTOM, take, &limit);
  const Message message = link_message(RTM_GETLINK, ifindex);
  if (!message) return failed("netlink: out of record");
  int error = nl_send_auto(netlink.get(), message.get());
  if (error >= 0) error = nl_recvmsgs_default(netlink.get());
  if (error < 0) return failed("device {}: {}", device, nl_geterror(error));
  return limit;
}

Result<void> write_limit(const std::string& device, uint32_t ifindex, uint32_t packets) {
  auto netlink = TRY(open_netlink());
  Message message = link_message(RTM_SETLINK, ifindex);
  if (!message || nla_put_u32(message.get(), IFLA_GSO_MAX_SEGS, packets) != 0)
    return failed("netlink: out of record");
  if (const int error = nl_send_sync(netlink.get(), message.release()); error < 0)
    return failed("device {}: setting gso_max_segs to {}: {}", device, packets, nl_geterror(error));
  return {};
}

}  // namespace

Result<SegmentLimit> segment_limit(const std::string& directory, const std::string& device,
                                   uint32_t ifindex) {
  auto limit = TRY(read_limit(device, ifindex));
  auto all = TRY(records_of(directory, ifindex));
  for (const Record& each : all) {
    if (limit.ours) break;
    limit.before = each.before;
    limit.ours = each.now == limit.packets;
  }
  return limit;
}

Result<void> set_segment_limit(const std::string& directory, const std::string& device,
                               uint32_t ifindex, uint32_t packets) {
  TRY(purge_gone_devices(directory));
  const auto limit = TRY(segment_limit(directory, device, ifindex));
  if (packets == limit.packets) return {};
  const auto older = TRY(records_of(directory, ifindex));
  const auto purge_older = [&]() -> Result<void> {
    for (const Record& each : older) TRY(purge_record(directory, each));
    return {};
  };
  // The value of other software is now the one to restore, and the older records are wrong.
  if (!limit.ours) TRY(purge_older());
  const Record record{ifindex, limit.ours ? *limit.before : limit.packets, packets,
                      network_namespace_id()};
  auto done = make_directory(segments_of(directory));
  if (done) done = make_directory(segments_of(directory) + "/" + record.name());
  if (!done) return done;
  if (auto written = write_limit(device, ifindex, packets); !written) {
    // Only the first error is reported. A record that is left over has the right old value.
    (void)purge_record(directory, record);
    return written;
  }
  return limit.ours ? purge_older() : Result<void>{};
}

Result<void> restore_segment_limit(const std::string& directory, const std::string& device,
                                   uint32_t ifindex) {
  if (auto swept = purge_gone_devices(directory); !swept || ifindex == 0) return swept;
  const auto limit = TRY(segment_limit(directory, device, ifindex));
  if (limit.ours) TRY(write_limit(device, ifindex, *limit.before));
  const auto all = TRY(records_of(directory, ifindex));
  for (const Record& each : all) TRY(purge_record(directory, each));
  return {};
}

Result<void> restore_segment_limits(const std::string& directory) {
  const auto all = TRY(records(directory));
  for (const Record& each : all) {
    std::array<char, IF_NAMESIZE> device{};
    if (if_indextoname(each.ifindex, device.data()) == nullptr) continue;
    TRY(restore_segment_limit(directory, device.data(), each.ifindex));
  }
  return {};
}

}  // namespace sluice
